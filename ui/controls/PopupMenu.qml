import QtQuick
import QtQuick.Templates as T
import Runnel

/* A menu of our own look. */
T.Menu {
    id: menu

    implicitHeight: contentHeight + topPadding + bottomPadding
    implicitWidth: 240
    margins: Theme.space.s
    overlap: 1
    padding: 6

    background: Rectangle {
        border.color: Theme.line
        color: Theme.card
        radius: Theme.radius.m
    }
    contentItem: ListView {
        clip: true
        currentIndex: menu.currentIndex
        implicitHeight: Math.min(contentHeight, 420)
        interactive: contentHeight > height
        model: menu.contentModel
    }
}

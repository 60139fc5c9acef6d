import QtQuick
import QtQuick.Templates as T
import Runnel

/* A tooltip: plain text, after a moment, beneath what it explains. */
T.ToolTip {
    id: hint

    required property bool shown
    property bool above: false

    delay: 600
    implicitHeight: contentItem.implicitHeight + topPadding + bottomPadding
    implicitWidth: Math.min(320, contentItem.implicitWidth + leftPadding + rightPadding)
    margins: Theme.space.s
    padding: Theme.space.s
    leftPadding: Theme.space.m - 2
    rightPadding: leftPadding
    visible: shown && text.length > 0
    x: parent ? (parent.width - width) / 2 : 0
    y: above ? -height - Theme.space.s : (parent ? parent.height : 0) + Theme.space.s

    background: Rectangle {
        border.color: Theme.line
        color: Theme.card
        radius: Theme.radius.s
    }
    contentItem: PlainLabel {
        font.pixelSize: Theme.type.caption
        text: hint.text
        wrapMode: Text.Wrap
    }
}

import QtQuick
import QtQuick.Templates as T
import Runnel

/* A scroll bar that stays visible while there is something to scroll. */
T.ScrollBar {
    id: bar

    Accessible.name: qsTr("Scroll bar")
    Accessible.role: Accessible.ScrollBar
    implicitHeight: 12
    implicitWidth: 12
    minimumSize: 0.05
    padding: 3
    visible: size < 1

    contentItem: Rectangle {
        color: bar.pressed ? Theme.accent : bar.hovered ? Theme.quiet : Theme.blend(Theme.quiet, Theme.background, 0.45)
        implicitHeight: 6
        implicitWidth: 6
        radius: 3
    }
}

import QtQuick
import Runnel

/* Shows where the keyboard is; lies around its parent. */
Rectangle {
    required property bool shown

    anchors.fill: parent
    anchors.margins: -3
    border.color: Theme.focus
    border.width: 2
    color: "transparent"
    radius: Theme.radius.s + 3
    visible: shown
}

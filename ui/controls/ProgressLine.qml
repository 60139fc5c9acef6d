import QtQuick
import Runnel

/* How far something is, 0 … 1. */
Rectangle {
    id: line

    required property real value

    color: Theme.line
    implicitHeight: 4
    radius: 2

    Rectangle {
        color: Theme.accent
        height: parent.height
        radius: parent.radius
        width: parent.width * Math.max(0, Math.min(1, line.value))
    }
}

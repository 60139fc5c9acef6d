import QtQuick
import QtQuick.Templates as T
import Runnel

/* A line between the entries of a menu. */
T.MenuSeparator {
    implicitHeight: 9
    implicitWidth: 200

    contentItem: Item {
        Rectangle {
            anchors.verticalCenter: parent.verticalCenter
            color: Theme.line
            height: 1
            width: parent.width
        }
    }
}

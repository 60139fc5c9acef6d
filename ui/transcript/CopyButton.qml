import QtQuick
import Runnel

/* Copies a message; shows for a moment that it did. */
IconButton {
    id: button

    required property string content
    required property bool wanted

    iconName: done.running ? "check" : "copy"
    iconSize: 16
    implicitHeight: 26
    implicitWidth: 26
    opacity: wanted || hovered || visualFocus || done.running ? 1 : 0
    text: done.running ? qsTr("Copied") : qsTr("Copy this message")

    onClicked: {
        Clipboard.copy(content);
        done.restart();
    }

    Timer {
        id: done

        interval: 1500
    }
}

import QtQuick
import Runnel

/* The buttons of a message, seen while the pointer is over it or a key is at them. */
Row {
    id: actions

    required property string content
    required property bool wanted

    readonly property bool shown: wanted || copy.hovered || copy.visualFocus || more.hovered || more.visualFocus

    signal menuAsked(Item near)

    CopyButton {
        id: copy

        content: actions.content
        wanted: actions.shown
    }
    IconButton {
        id: more

        iconName: "more"
        iconSize: 16
        implicitHeight: 26
        implicitWidth: 26
        opacity: actions.shown ? 1 : 0
        text: qsTr("More about this message")
        onClicked: actions.menuAsked(more)
    }
}

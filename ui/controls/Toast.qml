import QtQuick
import QtQuick.Layouts
import Runnel

/* Says what was done, and offers one thing to do about it. */
Rectangle {
    id: toast

    required property string text
    required property string verb
    property bool dismissible: false

    signal acted
    signal dismissed

    border.color: Theme.line
    color: Theme.card
    implicitHeight: row.implicitHeight + 2 * Theme.space.xs
    radius: Theme.radius.m

    RowLayout {
        id: row

        anchors.left: parent.left
        anchors.leftMargin: Theme.space.m
        anchors.right: parent.right
        anchors.rightMargin: Theme.space.xs
        anchors.verticalCenter: parent.verticalCenter
        spacing: 0

        PlainLabel {
            Accessible.role: Accessible.AlertMessage
            Layout.fillWidth: true
            elide: Text.ElideRight
            maximumLineCount: 2
            text: toast.text
            wrapMode: Text.Wrap
        }
        PushButton {
            kind: PushButton.Link
            text: toast.verb
            onClicked: toast.acted()
        }
        IconButton {
            iconName: "close"
            iconSize: 14
            text: qsTr("Dismiss")
            visible: toast.dismissible
            onClicked: toast.dismissed()
        }
    }
}

import QtQuick
import QtQuick.Layouts
import Runnel

/* Says that a conversation was deleted, and takes it back. */
Rectangle {
    id: toast

    required property ConversationListModel conversations

    border.color: Theme.line
    color: Theme.card
    implicitHeight: row.implicitHeight + 2 * Theme.space.xs
    radius: Theme.radius.m
    visible: conversations.removedTitle.length > 0

    RowLayout {
        id: row

        anchors.left: parent.left
        anchors.leftMargin: Theme.space.m
        anchors.right: parent.right
        anchors.rightMargin: Theme.space.xs
        anchors.verticalCenter: parent.verticalCenter

        PlainLabel {
            Accessible.role: Accessible.AlertMessage
            Layout.fillWidth: true
            elide: Text.ElideRight
            text: qsTr("Deleted “%1”").arg(toast.conversations.removedTitle)
        }
        PushButton {
            kind: PushButton.Link
            text: qsTr("Undo")
            onClicked: toast.conversations.undoRemove()
        }
    }
}

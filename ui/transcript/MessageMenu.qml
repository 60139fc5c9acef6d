import QtQuick
import Runnel

/* What can be done with one message. */
PopupMenu {
    id: menu

    required property ChatViewModel chat
    property double messageId: 0
    property string content: ""
    property bool pinned: false
    property bool whole: true
    property bool repeatable: false
    property bool ours: false
    property bool settled: false

    signal removalAsked(real id)

    function openFor(row: MessageRow, near: Item): void {
        messageId = row.messageId;
        content = row.text;
        pinned = row.pinned;
        whole = row.remembered >= 1;
        settled = !row.streaming && !chat.busy && !chat.waiting;
        ours = row.author === TranscriptModel.User;
        repeatable = settled && row.last && row.author === TranscriptModel.Assistant;
        parent = near;
        popup(near, near.width - width, near.height + Theme.space.xs);
    }

    implicitWidth: 270

    PopupMenuItem {
        detail: qsTr("The model never forgets it")
        iconName: "pin"
        text: qsTr("Pin in memory")
        visible: !menu.pinned && menu.whole
        onTriggered: menu.chat.setPinned(menu.messageId, true)
    }
    PopupMenuItem {
        detail: qsTr("It rolls out of memory with the others")
        iconName: "pin"
        text: qsTr("Unpin")
        visible: menu.pinned
        onTriggered: menu.chat.setPinned(menu.messageId, false)
    }
    PopupMenuItem {
        detail: qsTr("To pin it: it is no longer whole in memory")
        iconName: "undo"
        text: qsTr("Write it again …")
        visible: !menu.pinned && !menu.whole
        onTriggered: menu.chat.quoteAgain(menu.messageId)
    }
    PopupMenuItem {
        detail: qsTr("In place of this answer")
        iconName: "again"
        text: qsTr("Answer again")
        visible: menu.repeatable
        onTriggered: menu.chat.answerAgain()
    }
    PopupMenuItem {
        detail: qsTr("And have it answered in place of this")
        iconName: "edit"
        text: qsTr("Edit …")
        visible: menu.ours && menu.settled
        onTriggered: menu.chat.edit(menu.messageId)
    }
    PopupMenuItem {
        detail: qsTr("A new conversation that begins like this one")
        iconName: "branch"
        text: qsTr("Branch from here")
        visible: !menu.ours && menu.settled
        onTriggered: menu.chat.branch(menu.messageId)
    }
    PopupMenuItem {
        iconName: "copy"
        text: qsTr("Copy")
        onTriggered: Clipboard.copy(menu.content)
    }
    PopupMenuItem {
        dangerous: true
        iconName: "trash"
        text: qsTr("Delete from here …")
        visible: menu.ours && menu.settled
        onTriggered: menu.removalAsked(menu.messageId)
    }
}

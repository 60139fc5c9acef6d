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

    function openFor(row: MessageRow, near: Item): void {
        messageId = row.messageId;
        content = row.text;
        pinned = row.pinned;
        whole = row.remembered >= 1;
        repeatable = row.last && row.author === TranscriptModel.Assistant && !row.streaming && !chat.busy && !chat.waiting;
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
        iconName: "copy"
        text: qsTr("Copy")
        onTriggered: Clipboard.copy(menu.content)
    }
}

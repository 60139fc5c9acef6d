import QtQuick
import Runnel

/* What can be done with a conversation, and the question for its new name. */
Item {
    id: actions

    required property ConversationListModel conversations
    property double conversationId: 0
    property string title: ""

    function openFor(id: real, itsTitle: string, near: Item): void {
        conversationId = id;
        title = itsTitle;
        menu.parent = near;
        menu.popup(near, near.width - menu.width - Theme.space.l, near.height - Theme.space.xs);
    }
    function rename(id: real, itsTitle: string): void {
        conversationId = id;
        title = itsTitle;
        question.open();
    }

    PopupMenu {
        id: menu

        implicitWidth: 200

        PopupMenuItem {
            iconName: "edit"
            text: qsTr("Rename …")
            onTriggered: question.open()
        }
        PopupMenuItem {
            dangerous: true
            iconName: "trash"
            shortcutText: qsTr("Del")
            text: qsTr("Delete")
            onTriggered: actions.conversations.remove(actions.conversationId)
        }
    }
    QuestionDialog {
        id: question

        title: qsTr("Rename the conversation")
        verb: qsTr("Rename")

        onAboutToShow: {
            name.text = actions.title;
            name.selectAll();
            name.forceActiveFocus();
        }
        onAccepted: actions.conversations.rename(actions.conversationId, name.text)

        TextEntry {
            id: name

            Accessible.name: qsTr("Title")
            implicitWidth: question.availableWidth
            maximumLength: 200

            onAccepted: question.confirm()
        }
    }
}

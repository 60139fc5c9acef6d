import QtQuick
import Runnel

/* The conversations, in sections by age. */
ListView {
    id: list

    required property AppController app

    Accessible.name: qsTr("Conversations")
    Accessible.role: Accessible.List
    activeFocusOnTab: true
    bottomMargin: Theme.space.s
    boundsBehavior: Flickable.StopAtBounds
    clip: true
    keyNavigationEnabled: true
    model: app.conversations
    section.property: "section"

    // In Qt 6.4 a view can't make bound section headings, so qmllint does not know the ids of this file in delegates.
    // qmllint disable unqualified
    section.delegate: PlainLabel {
        required property string section

        Accessible.role: Accessible.Heading
        color: Theme.quiet
        elide: Text.ElideRight
        font.pixelSize: Theme.type.caption
        font.weight: Font.DemiBold
        height: implicitHeight + 20
        leftPadding: Theme.space.xl
        text: section
        topPadding: Theme.space.s
        width: ListView.view.width
    }
    delegate: ConversationRow {
        app: list.app
        current: list.app.currentId === conversationId
        highlighted: ListView.isCurrentItem && list.activeFocus
        width: list.width

        onMenuAsked: menu.openFor(conversationId, title, this)
    }

    // qmllint enable unqualified
    SlimScrollBar.vertical: SlimScrollBar {
    }

    ConversationMenu {
        id: menu

        conversations: list.app.conversations
    }
    PlainLabel {
        anchors.left: parent.left
        anchors.leftMargin: Theme.space.xl
        anchors.right: parent.right
        anchors.rightMargin: Theme.space.xl
        color: Theme.quiet
        text: list.app.conversations.filter.length > 0 ? qsTr("No title contains this.") : qsTr("Your conversations will be listed here.")
        visible: list.count === 0
        wrapMode: Text.Wrap
        y: Theme.space.l
    }
}

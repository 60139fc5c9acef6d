import QtQuick
import QtQuick.Layouts
import Runnel

/* The conversation's title, and what can be done with the whole of it. */
Item {
    id: header

    required property AppController app
    required property bool cacheShown
    required property bool sidebarShown

    signal cacheToggled
    signal sidebarToggled

    implicitHeight: 64

    RowLayout {
        anchors.fill: parent
        anchors.leftMargin: header.sidebarShown ? Theme.space.xxl : Theme.space.m
        anchors.rightMargin: Theme.space.l
        spacing: Theme.space.xs

        IconButton {
            iconName: "sidebar"
            text: qsTr("Show the conversations (F9)")
            visible: !header.sidebarShown
            onClicked: header.sidebarToggled()
        }
        PlainLabel {
            Accessible.role: Accessible.Heading
            Layout.fillWidth: true
            elide: Text.ElideRight
            font.pixelSize: Theme.type.message
            font.weight: Font.DemiBold
            text: header.app.currentTitle.length > 0 ? header.app.currentTitle : qsTr("New chat")
        }
        IconButton {
            id: more

            enabled: header.app.currentId > 0
            iconName: "more"
            text: qsTr("More about this conversation")
            onClicked: menu.popup(more, more.width - menu.width, more.height + Theme.space.xs)
        }
        IconButton {
            iconName: "memory"
            text: header.cacheShown ? qsTr("Hide the memory (Ctrl+B)") : qsTr("Show the memory (Ctrl+B)")
            visible: !header.cacheShown
            onClicked: header.cacheToggled()
        }
    }
    Rectangle {
        anchors.bottom: parent.bottom
        color: Theme.line
        height: 1
        width: parent.width
    }
    PopupMenu {
        id: menu

        implicitWidth: 270

        PopupMenuItem {
            iconName: "copy"
            text: qsTr("Copy the whole conversation")
            onTriggered: Clipboard.copy(header.app.transcript.wholeText())
        }
        PopupMenuItem {
            iconName: "edit"
            text: qsTr("Rename …")
            onTriggered: actions.rename(header.app.currentId, header.app.currentTitle)
        }
        PopupMenuLine {
        }
        PopupMenuItem {
            dangerous: true
            iconName: "trash"
            text: qsTr("Delete")
            onTriggered: header.app.conversations.remove(header.app.currentId)
        }
    }
    ConversationMenu {
        id: actions

        conversations: header.app.conversations
    }
}

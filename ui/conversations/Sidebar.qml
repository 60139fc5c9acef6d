import QtQuick
import QtQuick.Layouts
import Runnel

/* The left column: a new chat, the conversations, the model. */
Rectangle {
    id: sidebar

    required property AppController app

    signal settingsAsked

    function focusFilter(): void {
        filter.forceActiveFocus();
        filter.selectAll();
    }

    color: Theme.sidebar

    Rectangle {
        anchors.bottom: parent.bottom
        anchors.right: parent.right
        anchors.top: parent.top
        color: Theme.line
        width: 1
    }
    ColumnLayout {
        anchors.fill: parent
        anchors.rightMargin: 1
        spacing: 0

        RowLayout {
            Layout.bottomMargin: Theme.space.m
            Layout.leftMargin: Theme.space.xl
            Layout.rightMargin: Theme.space.l
            Layout.topMargin: Theme.space.l
            spacing: Theme.space.xs

            PlainLabel {
                Accessible.role: Accessible.Heading
                Layout.fillWidth: true
                font.pixelSize: Theme.type.title
                font.weight: Font.Bold
                text: qsTr("Runnel")
            }
            IconButton {
                iconName: "settings"
                text: qsTr("Settings (Ctrl+,)")
                onClicked: sidebar.settingsAsked()
            }
            IconButton {
                iconName: "plus"
                lined: true
                text: qsTr("New chat (Ctrl+N)")
                onClicked: sidebar.app.newConversation()
            }
        }
        TextEntry {
            id: filter

            Layout.fillWidth: true
            Layout.leftMargin: Theme.space.l + 4
            Layout.rightMargin: Theme.space.l + 4
            iconName: "search"
            placeholderText: qsTr("Filter by title")
            rightPadding: keyHint.width + Theme.space.l

            Keys.onDownPressed: list.forceActiveFocus()
            Keys.onEscapePressed: text = ""
            onTextChanged: sidebar.app.conversations.filter = text

            PlainLabel {
                id: keyHint

                anchors.right: parent.right
                anchors.rightMargin: Theme.space.m
                anchors.verticalCenter: parent.verticalCenter
                color: Theme.quiet
                font.pixelSize: Theme.type.caption
                text: qsTr("Ctrl K")
                visible: filter.length === 0
            }
        }
        ConversationList {
            id: list

            Layout.fillHeight: true
            Layout.fillWidth: true
            Layout.topMargin: Theme.space.s
            app: sidebar.app
        }
        Toast {
            Layout.bottomMargin: Theme.space.s
            Layout.fillWidth: true
            Layout.leftMargin: Theme.space.m
            Layout.rightMargin: Theme.space.m
            text: qsTr("Deleted “%1”").arg(sidebar.app.conversations.removedTitle)
            verb: qsTr("Undo")
            visible: sidebar.app.conversations.removedTitle.length > 0

            onActed: sidebar.app.conversations.undoRemove()
        }
        Toast {
            Layout.bottomMargin: Theme.space.s
            Layout.fillWidth: true
            Layout.leftMargin: Theme.space.m
            Layout.rightMargin: Theme.space.m
            dismissible: true
            text: sidebar.app.exporter.result
            verb: qsTr("Use it")
            visible: text.length > 0

            onActed: sidebar.app.exporter.use()
            onDismissed: sidebar.app.exporter.dismiss()
        }
        ModelCard {
            Layout.bottomMargin: Theme.space.m
            Layout.fillWidth: true
            Layout.leftMargin: Theme.space.m
            Layout.rightMargin: Theme.space.m
            exporter: sidebar.app.exporter
            models: sidebar.app.models
        }
    }
}

import QtQuick
import QtQuick.Templates as T
import Runnel

/* A conversation in the list: its title and how many tokens it has. */
T.ItemDelegate {
    id: row

    required property AppController app
    required property bool current
    required property int index
    required property double conversationId
    required property string title
    required property string detail

    signal menuAsked

    function openIt(): void {
        app.openConversation(conversationId);
    }

    Accessible.description: detail
    Accessible.name: title
    Accessible.role: Accessible.ListItem
    implicitHeight: words.implicitHeight + 18
    leftPadding: Theme.space.m

    Keys.onDeletePressed: app.conversations.remove(conversationId)
    Keys.onMenuPressed: menuAsked()
    Keys.onReturnPressed: openIt()
    Keys.onSpacePressed: openIt()
    onClicked: openIt()

    TapHandler {
        acceptedButtons: Qt.RightButton

        onTapped: row.menuAsked()
    }

    background: Item {
        Rectangle {
            anchors.fill: parent
            anchors.leftMargin: Theme.space.m
            anchors.rightMargin: Theme.space.m
            color: row.current ? Theme.accentQuiet : row.hovered || row.highlighted ? Theme.hover : "transparent"
            radius: Theme.radius.m

            FocusRing {
                radius: Theme.radius.m
                anchors.margins: 0
                shown: row.highlighted
            }
        }
    }
    // The template has no content of its own whose making could be put off.
    // qmllint disable deferred-property-id
    contentItem: Item {
        Column {
            id: words

            anchors.left: parent.left
            anchors.leftMargin: Theme.space.m
            anchors.right: more.left
            anchors.rightMargin: Theme.space.xs
            anchors.verticalCenter: parent.verticalCenter
            spacing: 3

            PlainLabel {
                elide: Text.ElideRight
                font.weight: row.current ? Font.DemiBold : Font.Medium
                text: row.title
                width: parent.width
            }
            PlainLabel {
                color: row.current ? Theme.blend(Theme.text, Theme.accentQuiet, 0.72) : Theme.quiet
                elide: Text.ElideRight
                font.pixelSize: Theme.type.caption
                text: row.detail
                width: parent.width
            }
        }
        IconButton {
            id: more

            anchors.right: parent.right
            anchors.rightMargin: Theme.space.l
            anchors.verticalCenter: parent.verticalCenter
            focusPolicy: Qt.NoFocus
            iconName: "more"
            implicitHeight: 28
            implicitWidth: 28
            opacity: row.hovered || hovered || row.current ? 1 : 0
            text: qsTr("Rename or delete")
            onClicked: row.menuAsked()
        }
    }
}

import QtQuick
import Runnel

/* One message of the transcript, below the line of forgetting where that runs. */
Item {
    id: row

    required property int index
    required property int columnWidth
    required property int firstRemembered
    required property double messageId
    required property int author
    required property string text
    required property string reasoning
    required property bool thinking
    required property bool reasoningShown
    required property int unfolded
    required property double remembered
    required property string note
    required property bool failed
    required property bool cut
    required property bool last
    required property string stats
    required property bool streaming
    required property bool pinned

    signal foldToggled(int unfolded)
    signal reasoningToggled(bool shown)
    signal continueAsked
    signal linkActivated(string link)
    signal menuAsked(Item near)

    Accessible.name: text.length > 0 ? text : thinking ? qsTr("Thinking") : reasoning
    Accessible.role: Accessible.ListItem
    implicitHeight: content.y + content.height + Theme.space.xl

    ForgottenLine {
        id: line

        anchors.horizontalCenter: parent.horizontalCenter
        y: row.index === 0 ? Theme.space.xl : 0
        height: visible ? implicitHeight + Theme.space.xl : 0
        visible: row.index === row.firstRemembered
        width: row.columnWidth
    }
    Loader {
        id: content

        anchors.horizontalCenter: parent.horizontalCenter
        anchors.top: line.bottom
        sourceComponent: row.author === TranscriptModel.User ? user : row.author === TranscriptModel.Assistant ? assistant : system
        width: row.columnWidth
    }

    // In Qt 6.4 a Loader can't make bound components, so qmllint does not know that `row` is there.
    // qmllint disable unqualified
    Component {
        id: user

        UserMessage {
            pinned: row.pinned
            remembered: row.remembered
            text: row.text
            unfolded: row.unfolded

            onFoldToggled: unfolded => row.foldToggled(unfolded)
            onMenuAsked: near => row.menuAsked(near)
        }
    }
    Component {
        id: assistant

        AssistantMessage {
            continuable: row.cut && row.last
            failed: row.failed
            note: row.note
            pinned: row.pinned
            reasoning: row.reasoning
            reasoningShown: row.reasoningShown
            remembered: row.remembered
            stats: row.stats
            streaming: row.streaming
            text: row.text
            thinking: row.thinking

            onContinueAsked: row.continueAsked()
            onLinkActivated: link => row.linkActivated(link)
            onMenuAsked: near => row.menuAsked(near)
            onReasoningToggled: shown => row.reasoningToggled(shown)
        }
    }
    Component {
        id: system

        SystemMessage {
            text: row.text
        }
    }
}

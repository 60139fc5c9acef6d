import QtQuick
import Runnel

/* What the model wrote, with how it ended and how fast it was. */
Column {
    id: message

    required property string text
    required property string reasoning
    required property bool thinking
    required property bool reasoningShown
    required property double remembered
    required property string note
    required property bool failed
    required property string stats
    required property bool streaming
    required property bool pinned
    property bool continuable: false

    readonly property bool forgotten: remembered <= 0
    // Where the answer begins within the message, 0 … 1.
    readonly property double answerStart: reasoning.length / Math.max(1, reasoning.length + text.length)

    signal reasoningToggled(bool shown)
    signal continueAsked
    signal linkActivated(string link)
    signal menuAsked(Item near)

    function joined(first: string, second: string): string {
        return first.length > 0 && second.length > 0 ? first + " · " + second : first + second;
    }

    /* How much is remembered of the part from `start` to `end`: the beginning of a message is forgotten first. */
    function rememberedBetween(start: double, end: double): double {
        if (remembered <= 0 || remembered >= 1 || end <= start)
            return remembered;
        return Math.max(0, Math.min(1, (end - (1 - remembered)) / (end - start)));
    }

    spacing: 6

    HoverHandler {
        id: hover
    }
    Item {
        height: name.implicitHeight
        width: parent.width

        PlainLabel {
            id: name

            color: message.forgotten ? Theme.forgotten : Theme.quiet
            font.pixelSize: Theme.type.caption
            font.weight: Font.DemiBold
            text: qsTr("Assistant")
        }
        MemoryMark {
            anchors.right: parent.right
            pinned: message.pinned
            remembered: message.remembered
        }
    }
    ReasoningFold {
        remembered: message.rememberedBetween(0, message.answerStart)
        shown: message.reasoningShown
        text: message.reasoning
        thinking: message.thinking
        visible: text.length > 0
        width: parent.width

        onLinkActivated: link => message.linkActivated(link)
        onToggled: message.reasoningToggled(!message.reasoningShown)
    }
    AnswerText {
        remembered: message.rememberedBetween(message.answerStart, 1)
        streaming: message.streaming
        text: message.text
        visible: message.text.length > 0
        width: parent.width

        onLinkActivated: link => message.linkActivated(link)
    }
    ThinkingDots {
        visible: message.streaming && message.text.length === 0 && !(message.reasoningShown && message.reasoning.length > 0)
    }
    Item {
        height: Math.max(actions.height, footer.implicitHeight)
        width: parent.width

        PlainLabel {
            id: footer

            anchors.left: parent.left
            anchors.right: more.visible ? more.left : actions.left
            anchors.rightMargin: Theme.space.s
            anchors.verticalCenter: parent.verticalCenter
            color: message.failed ? Theme.error : Theme.quiet
            font.pixelSize: Theme.type.caption
            text: message.joined(message.joined(message.note, message.stats), message.streaming ? qsTr("Esc stops") : "")
            wrapMode: Text.Wrap
        }
        PushButton {
            id: more

            anchors.right: actions.left
            anchors.rightMargin: Theme.space.s
            anchors.verticalCenter: parent.verticalCenter
            font.pixelSize: Theme.type.caption
            kind: PushButton.Link
            text: qsTr("Continue")
            visible: message.continuable
            onClicked: message.continueAsked()
        }
        MessageActions {
            id: actions

            anchors.right: parent.right
            content: message.text.length > 0 ? message.text : message.reasoning
            wanted: hover.hovered && !message.streaming

            onMenuAsked: near => message.menuAsked(near)
        }
    }
}

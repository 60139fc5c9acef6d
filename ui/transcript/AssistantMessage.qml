import QtQuick
import Runnel

/* What the model wrote, with how it ended and how fast it was. */
Column {
    id: message

    required property string text
    required property double remembered
    required property string note
    required property bool failed
    required property string stats
    required property bool streaming
    property bool continuable: false

    readonly property bool forgotten: remembered <= 0

    signal continueAsked
    signal linkActivated(string link)

    function joined(first: string, second: string): string {
        return first.length > 0 && second.length > 0 ? first + " · " + second : first + second;
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
        RememberedShare {
            anchors.right: parent.right
            remembered: message.remembered
        }
    }
    AnswerText {
        remembered: message.remembered
        streaming: message.streaming
        text: message.text
        visible: message.text.length > 0
        width: parent.width

        onLinkActivated: link => message.linkActivated(link)
    }
    ThinkingDots {
        visible: message.streaming && message.text.length === 0
    }
    Item {
        height: Math.max(copy.height, footer.implicitHeight)
        width: parent.width

        PlainLabel {
            id: footer

            anchors.left: parent.left
            anchors.right: more.visible ? more.left : copy.left
            anchors.rightMargin: Theme.space.s
            anchors.verticalCenter: parent.verticalCenter
            color: message.failed ? Theme.error : Theme.quiet
            font.pixelSize: Theme.type.caption
            text: message.joined(message.joined(message.note, message.stats), message.streaming ? qsTr("Esc stops") : "")
            wrapMode: Text.Wrap
        }
        PushButton {
            id: more

            anchors.right: copy.left
            anchors.rightMargin: Theme.space.s
            anchors.verticalCenter: parent.verticalCenter
            font.pixelSize: Theme.type.caption
            kind: PushButton.Link
            text: qsTr("Continue")
            visible: message.continuable
            onClicked: message.continueAsked()
        }
        CopyButton {
            id: copy

            anchors.right: parent.right
            content: message.text
            wanted: hover.hovered && !message.streaming
        }
    }
}

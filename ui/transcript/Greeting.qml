pragma ComponentBehavior: Bound

import QtQuick
import Runnel

/* An empty conversation: what it is about, and three ways to begin. */
Item {
    id: greeting

    required property ChatViewModel chat

    Column {
        anchors.centerIn: parent
        spacing: Theme.space.l
        width: Math.min(parent.width - 2 * Theme.space.xl, 520)

        PlainLabel {
            Accessible.role: Accessible.Heading
            font.pixelSize: Theme.type.figure
            font.weight: Font.DemiBold
            horizontalAlignment: Text.AlignHCenter
            text: qsTr("What is on your mind?")
            width: parent.width
            wrapMode: Text.Wrap
        }
        PlainLabel {
            color: Theme.quiet
            font.pixelSize: Theme.type.message
            horizontalAlignment: Text.AlignHCenter
            lineHeight: 1.35
            text: qsTr("This conversation can go on for ever. The model keeps its first tokens and the newest ones; what it has forgotten is dimmed here, and on the right you see its memory.")
            width: parent.width
            wrapMode: Text.Wrap
        }
        Column {
            anchors.horizontalCenter: parent.horizontalCenter
            spacing: Theme.space.s
            topPadding: Theme.space.s

            Repeater {
                model: [qsTr("Explain why bread rises."), qsTr("Plan a quiet Sunday for me."), qsTr("Tell me a short story about a river.")]

                PushButton {
                    required property string modelData

                    anchors.horizontalCenter: parent?.horizontalCenter
                    font.weight: Font.Normal
                    text: modelData
                    onClicked: greeting.chat.suggest(modelData)
                }
            }
        }
    }
}

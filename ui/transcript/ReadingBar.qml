import QtQuick
import QtQuick.Layouts
import Runnel

/* How much of a long message has been read, and how long it will take. */
ColumnLayout {
    id: bar

    required property ChatViewModel chat

    spacing: 6
    visible: chat.reading

    RowLayout {
        Layout.fillWidth: true

        PlainLabel {
            Accessible.role: Accessible.ProgressBar
            Layout.fillWidth: true
            color: Theme.quiet
            font.pixelSize: Theme.type.caption
            text: bar.chat.readingText
            wrapMode: Text.Wrap
        }
        PushButton {
            font.pixelSize: Theme.type.caption
            kind: PushButton.Link
            text: qsTr("Cancel")
            onClicked: bar.chat.stop()
        }
    }
    ProgressLine {
        Layout.fillWidth: true
        value: bar.chat.readingShare
    }
}

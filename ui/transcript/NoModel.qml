import QtQuick
import Runnel

/* No model: how to get one. */
Item {
    id: empty

    required property ModelPicker models

    Column {
        anchors.centerIn: parent
        spacing: Theme.space.l
        width: Math.min(parent.width - 2 * Theme.space.xl, 480)

        Icon {
            anchors.horizontalCenter: parent.horizontalCenter
            color: Theme.accent
            height: 40
            name: "model"
            width: 40
        }
        PlainLabel {
            Accessible.role: Accessible.Heading
            font.pixelSize: Theme.type.figure
            font.weight: Font.DemiBold
            horizontalAlignment: Text.AlignHCenter
            text: qsTr("Runnel needs a model")
            width: parent.width
            wrapMode: Text.Wrap
        }
        PlainLabel {
            color: Theme.quiet
            font.pixelSize: Theme.type.message
            horizontalAlignment: Text.AlignHCenter
            lineHeight: 1.35
            text: qsTr("Open a GGUF file or a folder from Hugging Face, or drop one here. Where Runnel was built from its sources, packaging/run fetches a small model to begin with.")
            width: parent.width
            wrapMode: Text.Wrap
        }
        Row {
            anchors.horizontalCenter: parent.horizontalCenter
            spacing: Theme.space.s

            PushButton {
                kind: PushButton.Filled
                text: qsTr("Open a file …")
                onClicked: menu.openFile()
            }
            PushButton {
                text: qsTr("Open a folder …")
                onClicked: menu.openFolder()
            }
        }
    }
    ModelMenu {
        id: menu

        models: empty.models
    }
}

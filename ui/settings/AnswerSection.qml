import QtQuick
import Runnel

/* How the next token is chosen, and how long an answer may be. Holds from the next answer on. */
SettingsSection {
    id: section

    required property SettingsViewModel settings

    title: qsTr("Answers")

    SlideField {
        width: parent.width
        explanation: qsTr("0 always takes the likeliest word; higher is more varied.")
        label: qsTr("Temperature")
        step: 0.05
        to: 2
        value: section.settings.temperature

        onEdited: value => section.settings.temperature = value
    }
    SlideField {
        width: parent.width
        explanation: qsTr("Keeps the likeliest tokens with this much probability together; 1 is off.")
        label: qsTr("Top p")
        value: section.settings.topP

        onEdited: value => section.settings.topP = value
    }
    SlideField {
        width: parent.width
        explanation: qsTr("Drops tokens below this share of the best one’s probability; 0 is off.")
        label: qsTr("Min p")
        value: section.settings.minP

        onEdited: value => section.settings.minP = value
    }
    SlideField {
        width: parent.width
        explanation: qsTr("Makes tokens that were used just now less likely; 1 is off.")
        from: 1
        label: qsTr("Repetition penalty")
        to: 2
        value: section.settings.repetitionPenalty

        onEdited: value => section.settings.repetitionPenalty = value
    }
    NumberField {
        width: parent.width
        explanation: qsTr("Keeps only this many of the likeliest tokens; 0 is off.")
        label: qsTr("Top k")
        value: section.settings.topK

        onEdited: value => section.settings.topK = value
    }
    NumberField {
        width: parent.width
        explanation: qsTr("An answer ends here at the latest.")
        label: qsTr("Longest answer, in tokens")
        step: 64
        value: section.settings.maxTokens

        onEdited: value => section.settings.maxTokens = value
    }
    Item {
        height: Math.max(words.implicitHeight, seed.implicitHeight)
        width: parent.width

        Column {
            id: words

            anchors.left: parent.left
            anchors.right: seed.left
            anchors.rightMargin: Theme.space.l
            spacing: Theme.space.xs

            PlainLabel {
                font.weight: Font.Medium
                text: qsTr("Seed")
            }
            PlainLabel {
                color: Theme.quiet
                font.pixelSize: Theme.type.caption
                lineHeight: 1.2
                text: qsTr("The same seed gives the same answer; empty, each answer has its own.")
                width: parent.width
                wrapMode: Text.Wrap
            }
        }
        TextEntry {
            id: seed

            Accessible.name: qsTr("Seed")
            anchors.right: parent.right
            implicitWidth: 126
            font.family: Theme.mono
            horizontalAlignment: TextInput.AlignRight
            inputMethodHints: Qt.ImhDigitsOnly
            placeholderText: qsTr("random")
            text: section.settings.seed

            validator: RegularExpressionValidator {
                regularExpression: /[0-9]{0,19}/
            }

            onEditingFinished: section.settings.seed = text
        }
    }
    PushButton {
        anchors.right: parent.right
        text: qsTr("Restore the defaults")
        onClicked: section.settings.restoreSamplingDefaults()
    }
}

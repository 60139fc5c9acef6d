import QtQuick
import QtQuick.Layouts

/* How the next token is chosen, and how long an answer may be. Holds from the next answer on. */
SettingsSection {
    id: section

    required property SettingsViewModel settings

    title: qsTr("Answers")

    SlideField {
        Layout.fillWidth: true
        explanation: qsTr("0 always takes the likeliest word; higher is more varied.")
        label: qsTr("Temperature")
        step: 0.05
        to: 2
        value: section.settings.temperature

        onEdited: value => section.settings.temperature = value
    }
    SlideField {
        Layout.fillWidth: true
        explanation: qsTr("Keeps the likeliest tokens with this much probability together; 1 is off.")
        label: qsTr("Top p")
        value: section.settings.topP

        onEdited: value => section.settings.topP = value
    }
    SlideField {
        Layout.fillWidth: true
        explanation: qsTr("Drops tokens below this share of the best one’s probability; 0 is off.")
        label: qsTr("Min p")
        value: section.settings.minP

        onEdited: value => section.settings.minP = value
    }
    SlideField {
        Layout.fillWidth: true
        explanation: qsTr("Makes tokens that were used just now less likely; 1 is off.")
        from: 1
        label: qsTr("Repetition penalty")
        to: 2
        value: section.settings.repetitionPenalty

        onEdited: value => section.settings.repetitionPenalty = value
    }
    NumberField {
        Layout.fillWidth: true
        explanation: qsTr("Keeps only this many of the likeliest tokens; 0 is off.")
        label: qsTr("Top k")
        value: section.settings.topK

        onEdited: value => section.settings.topK = value
    }
    NumberField {
        Layout.fillWidth: true
        explanation: qsTr("An answer ends here at the latest.")
        label: qsTr("Longest answer, in tokens")
        step: 64
        value: section.settings.maxTokens

        onEdited: value => section.settings.maxTokens = value
    }
    RowLayout {
        Layout.fillWidth: true
        spacing: Theme.space.s

        ColumnLayout {
            Layout.fillWidth: true
            spacing: Theme.space.xs

            PlainLabel {
                font.weight: Font.Medium
                text: qsTr("Seed")
            }
            PlainLabel {
                Layout.fillWidth: true
                color: Theme.quiet
                font.pixelSize: Theme.type.caption
                lineHeight: 1.2
                text: qsTr("The same seed gives the same answer; empty, each answer has its own.")
                wrapMode: Text.Wrap
            }
        }
        TextEntry {
            Accessible.name: qsTr("Seed")
            Layout.preferredWidth: 126
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
        Layout.alignment: Qt.AlignRight
        text: qsTr("Restore the defaults")
        onClicked: section.settings.restoreSamplingDefaults()
    }
}

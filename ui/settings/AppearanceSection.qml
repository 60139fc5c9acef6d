import QtQuick
import Runnel

/* Light or dark, and how large the text is. */
SettingsSection {
    id: section

    required property SettingsViewModel settings

    title: qsTr("Appearance")

    SegmentedChoice {
        width: parent.width
        current: section.settings.theme
        label: qsTr("Theme")
        labels: [qsTr("As the desktop"), qsTr("Light"), qsTr("Dark")]
        values: ["system", "light", "dark"]

        onChosen: value => section.settings.theme = value
    }
    SlideField {
        width: parent.width
        explanation: qsTr("Also Ctrl + and Ctrl -.")
        from: 0.75
        label: qsTr("Text size")
        step: 0.125
        to: 2
        value: section.settings.fontScale

        onEdited: value => section.settings.fontScale = value
    }
}

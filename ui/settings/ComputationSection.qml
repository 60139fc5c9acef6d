import QtQuick
import Runnel

/* What Runnel may use of the computer. */
SettingsSection {
    id: section

    required property SettingsViewModel settings

    title: qsTr("Computation")

    NumberField {
        width: parent.width
        explanation: qsTr("0 uses what this computer allows (%1). Holds when a model is loaded next.").arg(section.settings.defaultThreads)
        label: qsTr("Threads")
        value: section.settings.threads

        onEdited: value => section.settings.threads = value
    }
}

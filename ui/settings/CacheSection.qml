import QtQuick
import QtQuick.Layouts
import Runnel

/* The cache's size and how it forgets. Typed values are checked at once and applied together. */
SettingsSection {
    id: section

    required property SettingsViewModel settings

    title: qsTr("Memory")

    NumberField {
        width: parent.width
        explanation: qsTr("Tokens the cache holds. More is remembered, more memory is used, and each token takes longer.")
        label: qsTr("Cache size (ctx_size)")
        step: 64
        value: section.settings.ctxSize
        wrong: section.settings.cacheProblem.includes("ctx_size")

        onEdited: value => section.settings.ctxSize = value
    }
    NumberField {
        width: parent.width
        explanation: qsTr("The first tokens, kept for ever: attention rests on them, and answers fall apart without.")
        label: qsTr("Sinks (n_keep)")
        value: section.settings.nKeep
        wrong: section.settings.cacheProblem.includes("n_keep")

        onEdited: value => section.settings.nKeep = value
    }
    NumberField {
        width: parent.width
        explanation: qsTr("How many of the oldest tokens are forgotten when the cache is full: 1 rolls smoothly, -1 drops half at once.")
        label: qsTr("Forgotten at a time (n_discard)")
        value: section.settings.nDiscard
        wrong: section.settings.cacheProblem.includes("n_discard")

        onEdited: value => section.settings.nDiscard = value
    }
    SwitchField {
        checked: section.settings.wholeMessages
        explanation: qsTr("Once the beginning of a message is forgotten, the rest of it is too, up to a tenth of the cache at once: the model sees no message without its beginning.")
        label: qsTr("Forget whole messages")
        width: parent.width

        onEdited: on => section.settings.wholeMessages = on
    }
    ChoiceField {
        width: parent.width
        current: section.settings.kvType
        explanation: qsTr("How exactly what is remembered is kept. q8 takes about half the memory of f16, f32 twice as much.")
        label: qsTr("Number type (kv_type)")
        labels: values
        values: ["f16", "bf16", "q8", "f32"]

        onEdited: value => section.settings.kvType = value
    }
    PlainLabel {
        Accessible.role: Accessible.AlertMessage
        width: parent.width
        color: Theme.error
        lineHeight: 1.2
        text: section.settings.cacheProblem
        visible: text.length > 0
        wrapMode: Text.Wrap
    }
    PlainLabel {
        Accessible.role: Accessible.AlertMessage
        width: parent.width
        color: Theme.sinkText
        lineHeight: 1.2
        text: section.settings.cacheWarning
        visible: text.length > 0
        wrapMode: Text.Wrap
    }
    RowLayout {
        spacing: Theme.space.s
        width: parent.width

        PlainLabel {
            Layout.fillWidth: true
            color: Theme.quiet
            text: section.settings.cacheMemory.length > 0 ? qsTr("Needs %1 of memory").arg(section.settings.cacheMemory) : ""
            wrapMode: Text.Wrap
        }
        PushButton {
            text: qsTr("Revert")
            visible: section.settings.cacheEdited
            onClicked: section.settings.revertCache()
        }
        PushButton {
            enabled: section.settings.cacheEdited && section.settings.cacheProblem.length === 0 && !section.settings.applying
            kind: PushButton.Filled
            text: section.settings.applying ? qsTr("Applying …") : qsTr("Apply")
            onClicked: section.settings.applyCache()
        }
    }
    NumberField {
        width: parent.width
        explanation: qsTr("Disk space for the memory of conversations, so that they open at once with what the model remembered. The oldest give way; 0 keeps none.")
        label: qsTr("Kept on disk, in MB")
        step: 100
        value: section.settings.snapshotMegabytes

        onEdited: value => section.settings.snapshotMegabytes = value
    }
}

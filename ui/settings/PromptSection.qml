import QtQuick
import QtQuick.Templates as T
import Runnel

/* What the model is told before the conversation. */
SettingsSection {
    id: section

    required property SettingsViewModel settings

    title: qsTr("System prompt")

    T.TextArea {
        id: area

        Accessible.multiLine: true
        Accessible.name: section.title
        Accessible.role: Accessible.EditableText
        implicitHeight: Math.max(96, contentHeight + topPadding + bottomPadding)
        KeyNavigation.priority: KeyNavigation.BeforeItem
        KeyNavigation.tab: nextItemInFocusChain()
        color: Theme.text
        font.family: Theme.sans
        font.pixelSize: Theme.type.body
        padding: Theme.space.m
        selectByMouse: true
        selectedTextColor: Theme.text
        selectionColor: Theme.blend(Theme.accent, Theme.card, 0.4)
        text: section.settings.systemPrompt
        textFormat: TextEdit.PlainText
        width: parent.width
        wrapMode: TextEdit.Wrap

        onEditingFinished: section.settings.systemPrompt = text

        background: Rectangle {
            border.color: area.activeFocus ? Theme.focus : Theme.line
            border.width: area.activeFocus ? 2 : 1
            color: Theme.card
            radius: Theme.radius.m
        }

        PlainLabel {
            color: Theme.quiet
            text: qsTr("Empty: the model’s own")
            visible: area.length === 0 && area.preeditText.length === 0
            x: area.leftPadding
            y: area.topPadding
        }
    }
    SwitchField {
        checked: section.settings.keepSystem
        explanation: qsTr("Its tokens are pinned beside the sinks, so it is never forgotten. Holds from the next conversation on.")
        label: qsTr("Remember the system prompt")
        width: parent.width

        onEdited: on => section.settings.keepSystem = on
    }
    PlainLabel {
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        lineHeight: 1.2
        text: qsTr("Holds for conversations begun from now on.")
        width: parent.width
        wrapMode: Text.Wrap
    }
}

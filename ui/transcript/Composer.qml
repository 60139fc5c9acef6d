import QtQuick
import QtQuick.Layouts
import QtQuick.Templates as T
import Runnel

/* Where a message is written. Enter sends, Shift+Enter breaks the line, Esc stops or leaves an edit. */
Rectangle {
    id: composer

    required property ChatViewModel chat
    required property bool ready

    readonly property bool sendable: ready && !chat.busy && !chat.waiting && (area.text.trim().length > 0 || chat.pasted.length > 0)
    readonly property alias textArea: area

    signal sent
    signal pageAsked(int step)

    function focusText(): void {
        area.forceActiveFocus();
    }
    function send(): void {
        if (!sendable)
            return;
        chat.send(area.text);
        sent();
    }
    /* What is long would be laid out line by line: it is kept beside the text instead. */
    function paste(): void {
        if (!chat.takePasted(Clipboard.text()))
            area.paste();
    }

    border.color: area.activeFocus ? Theme.blend(Theme.accent, Theme.line, 0.6) : Theme.line
    color: Theme.card
    implicitHeight: column.implicitHeight + 2 * Theme.space.m
    radius: Theme.radius.l

    MouseArea {
        anchors.fill: parent
        cursorShape: Qt.IBeamCursor

        onClicked: area.forceActiveFocus()
    }
    ColumnLayout {
        id: column

        anchors.fill: parent
        anchors.margins: Theme.space.m
        anchors.leftMargin: Theme.space.l + 4
        spacing: Theme.space.s

        ComposerChip {
            Layout.maximumWidth: column.width
            closeText: qsTr("Leave the message as it is (Esc)")
            iconName: "edit"
            text: composer.chat.editingSummary
            visible: composer.chat.editing

            onClosed: composer.chat.cancelEdit()
        }
        ComposerChip {
            Layout.maximumWidth: column.width
            closeText: qsTr("Remove the pasted text")
            iconName: "text"
            text: composer.chat.pastedSummary
            visible: composer.chat.pasted.length > 0

            onClosed: composer.chat.dropPasted()
        }
        Flickable {
            id: flickable

            Layout.fillWidth: true
            Layout.preferredHeight: Math.min(220, area.implicitHeight)
            boundsBehavior: Flickable.StopAtBounds
            clip: true

            T.TextArea.flickable: T.TextArea {
                id: area

                Accessible.description: placeholder.text
                Accessible.multiLine: true
                Accessible.name: qsTr("Message")
                Accessible.role: Accessible.EditableText
                bottomPadding: Theme.space.xs
                color: Theme.text
                font.family: Theme.sans
                font.pixelSize: Theme.type.message
                implicitHeight: contentHeight + topPadding + bottomPadding
                implicitWidth: flickable.width
                rightPadding: Theme.space.m
                selectByMouse: true
                selectedTextColor: Theme.text
                selectionColor: Theme.blend(Theme.accent, Theme.card, 0.4)
                textFormat: TextEdit.PlainText
                topPadding: Theme.space.xs
                wrapMode: TextEdit.Wrap

                Keys.onPressed: event => event.accepted = keys.handle(event)
                onTextChanged: composer.chat.draft = text

                PlainLabel {
                    id: placeholder

                    color: Theme.quiet
                    font: area.font
                    text: composer.ready ? qsTr("Write a message") : qsTr("Choose a model to begin")
                    visible: area.length === 0 && area.preeditText.length === 0
                    y: area.topPadding
                }
            }

            SlimScrollBar.vertical: SlimScrollBar {
            }
        }
        RowLayout {
            Layout.fillWidth: true

            PlainLabel {
                Layout.fillWidth: true
                color: Theme.quiet
                elide: Text.ElideRight
                font.pixelSize: Theme.type.caption
                text: composer.chat.waiting ? qsTr("Another conversation is being answered; this one comes next.") : composer.chat.busy ? qsTr("Esc stops") : qsTr("Enter sends · Shift+Enter for a new line")
            }
            IconButton {
                enabled: composer.chat.busy || composer.sendable
                filled: true
                iconName: composer.chat.busy ? "stop" : "send"
                implicitHeight: 36
                implicitWidth: 36
                text: composer.chat.busy ? qsTr("Stop (Esc)") : qsTr("Send (Enter)")
                onClicked: composer.chat.busy ? composer.chat.stop() : composer.send()
            }
        }
    }
    QtObject {
        id: keys

        /* Whether the key was ours. While an input method composes, Enter belongs to it. */
        function handle(event: var): bool {
            const isEnter = event.key === Qt.Key_Return || event.key === Qt.Key_Enter;
            if (isEnter && (area.inputMethodComposing || area.preeditText.length > 0))
                return true;
            if (isEnter && !(event.modifiers & (Qt.ShiftModifier | Qt.ControlModifier | Qt.AltModifier))) {
                composer.send();
                return true;
            }
            if (event.key === Qt.Key_Escape && composer.chat.editing) {
                composer.chat.cancelEdit();
                return true;
            }
            if (event.matches(StandardKey.Paste)) {
                composer.paste();
                return true;
            }
            if (event.key === Qt.Key_PageUp || event.key === Qt.Key_PageDown) {
                composer.pageAsked(event.key === Qt.Key_PageUp ? -1 : 1);
                return true;
            }
            // The keyboard must find its way out again.
            if (event.key === Qt.Key_Tab || event.key === Qt.Key_Backtab) {
                const forward = event.key === Qt.Key_Tab;
                area.nextItemInFocusChain(forward).forceActiveFocus(forward ? Qt.TabFocusReason : Qt.BacktabFocusReason);
                return true;
            }
            return false;
        }
    }
    Connections {
        function onDraftReplaced(): void {
            area.text = composer.chat.draft;
            area.cursorPosition = area.length;
        }

        target: composer.chat
    }
}

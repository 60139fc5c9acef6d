pragma ComponentBehavior: Bound

import QtQuick
import Runnel

/* Plain text to select and copy. Of a very long one only the beginning is laid out, in pieces, so that the window never
   waits for it. */
Column {
    id: whole

    required property string text
    required property int shownLength
    required property color color
    required property real maximumWidth

    readonly property var pieces: cut(text.slice(0, shownLength))

    /* Pieces of about 4,000 characters that end at line breaks where there are some. */
    function cut(shown: string): list<string> {
        const found = [];
        let start = 0;
        while (shown.length - start > 4000) {
            const line = shown.lastIndexOf("\n", start + 4000);
            const end = line > start ? line : start + 4000;
            found.push(shown.slice(start, end));
            start = line > start ? end + 1 : end;
        }
        found.push(shown.slice(start) + (shown.length < text.length ? " …" : ""));
        return found;
    }

    Repeater {
        model: whole.pieces

        TextEdit {
            required property string modelData

            Accessible.name: modelData
            Accessible.role: Accessible.StaticText
            activeFocusOnPress: false
            color: whole.color
            font.family: Theme.sans
            font.pixelSize: Theme.type.message
            persistentSelection: true
            readOnly: true
            selectByMouse: true
            selectedTextColor: Theme.text
            selectionColor: Theme.blend(Theme.accent, Theme.background, 0.4)
            text: modelData
            textFormat: TextEdit.PlainText
            width: Math.min(implicitWidth, whole.maximumWidth)
            wrapMode: TextEdit.Wrap
        }
    }
}

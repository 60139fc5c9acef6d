pragma ComponentBehavior: Bound

import QtQuick
import Runnel

/* Plain text to select and copy; its first `dimmedLength` characters are dimmed. Of a very long one only the beginning
   is laid out, in pieces, so that the window never waits for it. */
Column {
    id: whole

    required property string text
    required property int shownLength
    required property int dimmedLength
    required property color color
    required property color dimmedColor
    required property real maximumWidth

    readonly property string shown: text.slice(0, shownLength)
    // The border between two pieces stands for the line break at which the dimmed part ends, or breaks a very long line.
    readonly property int dimmedEnd: Math.max(0, Math.min(dimmedLength, shown.length))
    readonly property var dimmedPieces: dimmedEnd > 0 ? cut(shown.slice(0, dimmedEnd).replace(/\n$/, "")) : []
    readonly property var brightPieces: dimmedEnd < shown.length ? cut(shown.slice(dimmedEnd)) : []
    readonly property var pieces: dimmedPieces.concat(brightPieces)

    /* Pieces of about 4,000 characters that end at line breaks where there are some. */
    function cut(part: string): list<string> {
        const found = [];
        let start = 0;
        while (part.length - start > 4000) {
            const line = part.lastIndexOf("\n", start + 4000);
            const end = line > start ? line : start + 4000;
            found.push(part.slice(start, end));
            start = line > start ? end + 1 : end;
        }
        found.push(part.slice(start));
        return found;
    }

    Repeater {
        model: whole.pieces

        TextEdit {
            required property int index
            required property string modelData

            readonly property bool last: index === whole.pieces.length - 1

            Accessible.name: modelData
            Accessible.role: Accessible.StaticText
            activeFocusOnPress: false
            color: index < whole.dimmedPieces.length ? whole.dimmedColor : whole.color
            font.family: Theme.sans
            font.pixelSize: Theme.type.message
            persistentSelection: true
            readOnly: true
            selectByMouse: true
            selectedTextColor: Theme.text
            selectionColor: Theme.blend(Theme.accent, Theme.background, 0.4)
            text: last && whole.shown.length < whole.text.length ? modelData + " …" : modelData
            textFormat: TextEdit.PlainText
            width: Math.min(implicitWidth, whole.maximumWidth)
            wrapMode: TextEdit.Wrap
        }
    }
}

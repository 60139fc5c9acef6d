import QtQuick
import Runnel

/* What the user wrote: as it was written, in a bubble on the right. A long text is folded; the lines that the
   model no longer remembers are dimmed. */
Item {
    id: message

    required property string text
    required property int unfolded
    required property double remembered
    required property bool pinned

    readonly property bool forgotten: remembered <= 0
    readonly property int foldedLength: foldAt(text)
    readonly property bool isLong: text.length > foldedLength
    readonly property int shownLength: foldedLength + unfolded
    readonly property int forgottenLength: remembered >= 1 || forgotten ? 0 : forgottenEnd(Math.floor((1 - remembered) * text.length))

    signal foldToggled(int unfolded)
    signal menuAsked(Item near)

    /* Where a long text is folded: after 3,000 characters or 24 lines. */
    function foldAt(whole: string): int {
        let end = -1;
        for (let lines = 0; lines < 24; ++lines) {
            end = whole.indexOf("\n", end + 1);
            if (end < 0 || end > 3000)
                return Math.min(whole.length, 3000);
        }
        return end;
    }
    /* Up to the line that holds the first token in the cache, which stands near `border`; in a very long line up to the
       word, and where words have no ends, up to the character. */
    function forgottenEnd(border: int): int {
        const longest = 400;
        const line = text.lastIndexOf("\n", border - 1) + 1;
        if (border - line < longest)
            return line;
        const word = text.lastIndexOf(" ", border - 1) + 1;
        if (border - word < longest)
            return word;
        const inCharacter = (text.charCodeAt(border) & 0xFC00) === 0xDC00;
        return inCharacter ? border - 1 : border;
    }

    implicitHeight: bubble.height + (share.visible ? share.implicitHeight + Theme.space.xs : 0)

    HoverHandler {
        id: hover
    }
    MessageActions {
        anchors.bottom: bubble.bottom
        anchors.right: bubble.left
        anchors.rightMargin: Theme.space.s
        content: message.text
        wanted: hover.hovered

        onMenuAsked: near => message.menuAsked(near)
    }
    Rectangle {
        id: bubble

        anchors.right: parent.right
        border.color: Theme.line
        border.width: message.forgotten ? 1 : 0
        color: message.forgotten ? Theme.background : Theme.bubble
        height: words.height + 2 * Theme.space.m + (fold.visible ? fold.height : 0)
        radius: Theme.radius.l
        width: Math.max(words.width, fold.visible ? fold.width : 0) + 2 * (Theme.space.l + 2)

        LongText {
            id: words

            color: message.forgotten ? Theme.forgotten : Theme.text
            dimmedColor: Theme.forgottenOnBubble
            dimmedLength: message.forgottenLength
            maximumWidth: message.width * 0.82 - 2 * (Theme.space.l + 2)
            shownLength: message.shownLength
            text: message.text
            x: Theme.space.l + 2
            y: Theme.space.m
        }
        PushButton {
            id: fold

            anchors.bottom: parent.bottom
            anchors.bottomMargin: Theme.space.xs
            kind: PushButton.Link
            text: message.shownLength < message.text.length ? qsTr("Show more of %1 characters").arg(Number(message.text.length).toLocaleString(Qt.locale(), "f", 0)) : qsTr("Show less")
            visible: message.isLong
            x: Theme.space.l - 2
            onClicked: message.foldToggled(message.shownLength < message.text.length ? message.unfolded + 40000 : 0)
        }
    }
    MemoryMark {
        id: share

        anchors.right: parent.right
        anchors.top: bubble.bottom
        anchors.topMargin: Theme.space.xs
        pinned: message.pinned
        remembered: message.remembered
    }
}

import QtQuick

/* A paragraph or heading; its text can be selected. `rich` holds nothing but what RichTextWriter writes. */
TextEdit {
    id: paragraph

    required property MarkdownStyle look
    required property string rich
    required property string plain
    property int level: 0
    property bool quoted: false

    signal activated(string link)

    readonly property rect endRectangle: {
        paragraph.contentHeight; // a change of the layout moves it
        paragraph.contentWidth;
        return paragraph.positionToRectangle(paragraph.length);
    }

    text: look.document(rich)
    textFormat: TextEdit.RichText
    readOnly: true
    selectByMouse: true
    selectByKeyboard: true
    activeFocusOnPress: true
    wrapMode: TextEdit.Wrap
    color: quoted ? look.quietColor : look.textColor
    selectionColor: look.accentColor
    selectedTextColor: look.codeBackground
    font.family: look.bodyFamily
    font.pixelSize: level === 0 ? look.bodySize : Math.round(look.bodySize * [1.6, 1.35, 1.15, 1, 1, 1][level - 1])
    font.weight: level === 0 ? Font.Normal : Font.DemiBold
    onLinkActivated: link => activated(link)

    Accessible.role: level > 0 ? Accessible.Heading : Accessible.StaticText
    Accessible.name: plain

    HoverHandler {
        cursorShape: paragraph.hoveredLink ? Qt.PointingHandCursor : Qt.IBeamCursor
    }
}

import QtQuick

/* A table; scrolls sideways when its words need more room than there is. */
Flickable {
    id: table

    required property MarkdownStyle look
    required property string rich
    required property string plain

    signal activated(string link)

    readonly property rect endRectangle: Qt.rect(Math.min(width, cells.contentWidth), cells.height - look.bodySize * 2, 0, look.bodySize)

    implicitHeight: cells.height
    contentWidth: Math.max(width, cells.contentWidth)
    contentHeight: cells.height
    flickableDirection: Flickable.HorizontalFlick
    boundsBehavior: Flickable.StopAtBounds
    clip: true

    TextEdit {
        id: cells
        width: table.width
        text: table.look.document(table.rich)
        textFormat: TextEdit.RichText
        readOnly: true
        selectByMouse: true
        selectByKeyboard: true
        wrapMode: TextEdit.WordWrap
        color: table.look.textColor
        selectionColor: table.look.accentColor
        selectedTextColor: table.look.codeBackground
        font.family: table.look.bodyFamily
        font.pixelSize: table.look.bodySize
        onLinkActivated: link => table.activated(link)

        Accessible.role: Accessible.Table
        Accessible.name: table.plain

        HoverHandler {
            cursorShape: cells.hoveredLink ? Qt.PointingHandCursor : Qt.IBeamCursor
        }
    }
}

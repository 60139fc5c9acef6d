import QtQuick
import Runnel

/* A message's Markdown as a column of blocks. Nothing in it is interpreted as HTML, loads an image or opens a link:
   a link only says that it was activated. */
Item {
    id: view

    property string text
    property bool streaming
    // Draws a block where the next text will appear, while streaming.
    property bool caret

    property color textColor: "#1B2229"
    property color quietColor: "#5E6B78"
    property color accentColor: "#0E7C6F"
    property color codeBackground: "#F3F4F3"
    property color lineColor: "#E2E5E4"
    property int bodySize: 15
    property string bodyFamily: "Inter"
    property string codeFamily: "JetBrains Mono"

    // False while the blocks of a very long text are still being made.
    readonly property bool complete: blocks.complete

    signal linkActivated(string link)

    // Where the block at height `place` begins. Without types, so that it is interpreted: compiled ahead, Qt 6.4 follows
    // the null pointer that stands for no block.
    function blockTop(place) {
        const block = column.childAt(column.width / 2, place);
        return block ? block.y : place;
    }

    implicitWidth: 480
    implicitHeight: column.height

    Accessible.role: Accessible.Grouping
    Accessible.name: qsTr("Message text")

    MarkdownModel {
        id: blocks
        text: view.text
    }

    MarkdownStyle {
        id: messageLook
        textColor: view.textColor
        quietColor: view.quietColor
        accentColor: view.accentColor
        codeBackground: view.codeBackground
        lineColor: view.lineColor
        bodySize: view.bodySize
        bodyFamily: view.bodyFamily
        codeFamily: view.codeFamily
    }

    Column {
        id: column
        width: view.width

        Repeater {
            id: items
            model: blocks

            // qmllint disable unqualified
            delegate: MarkdownBlock {
                width: column.width
                look: messageLook
                onLinkActivated: link => view.linkActivated(link)
                onCopyRequested: blocks.copyCode(index)
            }
            // qmllint enable unqualified
        }
    }

    Rectangle {
        readonly property Item lastBlock: items.count > 0 ? items.itemAt(items.count - 1) as Item : null
        readonly property rect end: (lastBlock as MarkdownBlock)?.endRectangle ?? Qt.rect(0, 0, 0, view.bodySize)

        visible: view.caret && view.streaming
        x: end.x + 2
        y: (lastBlock?.y ?? 0) + end.y + (end.height - height) / 2
        width: Math.round(view.bodySize / 2)
        height: view.bodySize + 2
        radius: 2
        color: view.accentColor
    }
}

import QtQuick
import Runnel

/* One block of a message, with the bars of the quotes and the signs of the list item it stands in. */
Item {
    id: block

    required property MarkdownStyle look
    required property int index
    required property int kind
    required property int level
    required property int quoteDepth
    required property int listDepth
    required property string marker
    required property int check
    required property bool tight
    required property bool continued
    required property string rich
    required property string plain
    required property string code
    required property string language

    signal linkActivated(string link)
    signal copyRequested

    // Deeper ones are shown no further in: something must be left for the text.
    readonly property int bars: Math.min(quoteDepth, 6)
    readonly property int lists: Math.min(listDepth, 8)
    readonly property real inset: bars * look.gap + lists * look.indent
    readonly property int above: {
        if (index === 0 || continued)
            return 0;
        if (kind === MarkdownModel.Heading)
            return 2 * look.gap;
        return tight ? Math.round(look.gap / 3) : look.gap;
    }

    // Where text that is appended will appear.
    readonly property rect endRectangle: {
        const end = content.item?.endRectangle ?? Qt.rect(0, 0, 0, look.bodySize);
        return Qt.rect(inset + end.x, above + end.y, end.width, end.height);
    }

    implicitHeight: above + content.height

    // Bound components would tell qmllint that `block` is there, but in Qt 6.4 a Loader can't make them.
    // qmllint disable unqualified
    Repeater {
        model: block.bars

        Rectangle {
            required property int index
            x: index * block.look.gap
            y: block.continued || block.index === 0 ? 0 : block.above / 2
            width: 2
            height: block.height - y
            color: block.look.lineColor
        }
    }

    Text {
        visible: block.marker !== "" && block.check === MarkdownModel.NoCheck
        x: block.inset - width - Math.round(block.look.bodySize / 2)
        y: block.above
        text: block.marker
        textFormat: Text.PlainText
        color: block.look.quietColor
        font.family: block.look.bodyFamily
        font.pixelSize: block.look.bodySize
        lineHeight: 1.4
        Accessible.ignored: !visible
        Accessible.role: Accessible.StaticText
        Accessible.name: text
    }

    Rectangle {
        readonly property bool checked: block.check === MarkdownModel.Checked

        visible: block.check !== MarkdownModel.NoCheck
        x: block.inset - width - Math.round(block.look.bodySize / 2)
        y: block.above + Math.round(block.look.bodySize * 0.3)
        width: block.look.bodySize - 1
        height: width
        radius: 3
        color: checked ? block.look.accentColor : "transparent"
        border.color: checked ? block.look.accentColor : block.look.quietColor
        Accessible.ignored: !visible
        Accessible.role: Accessible.CheckBox
        Accessible.name: checked ? qsTr("done") : qsTr("to do")
        Accessible.checked: checked
        Accessible.readOnly: true

        Text {
            anchors.centerIn: parent
            visible: parent.checked
            text: "✓"
            textFormat: Text.PlainText
            color: block.look.codeBackground
            font.pixelSize: block.look.bodySize - 4
            Accessible.ignored: true
        }
    }

    Loader {
        id: content
        x: block.inset
        y: block.above
        width: block.width - block.inset
        sourceComponent: {
            switch (block.kind) {
            case MarkdownModel.Code:
                return codeBlock;
            case MarkdownModel.Table:
                return table;
            case MarkdownModel.Rule:
                return rule;
            default:
                return paragraph;
            }
        }
    }

    Component {
        id: paragraph

        MarkdownParagraph {
            look: block.look
            rich: block.rich
            plain: block.plain
            level: block.level
            quoted: block.quoteDepth > 0
            onActivated: link => block.linkActivated(link)
        }
    }

    Component {
        id: codeBlock

        CodeBlock {
            look: block.look
            code: block.code
            language: block.language
            continued: block.continued
            onCopyRequested: block.copyRequested()
        }
    }

    Component {
        id: table

        TableBlock {
            look: block.look
            rich: block.rich
            plain: block.plain
            onActivated: link => block.linkActivated(link)
        }
    }

    Component {
        id: rule

        Item {
            implicitHeight: block.look.gap

            Rectangle {
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width
                height: 1
                color: block.look.lineColor
            }
        }
    }
}

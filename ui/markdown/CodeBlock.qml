import QtQuick
import QtQuick.Templates as T

/* A block of code: its language, a button that copies it, and its lines as they were written. Long lines scroll. */
Rectangle {
    id: block

    required property MarkdownStyle look
    required property string code
    required property string language
    // A further piece of the block above: no head.
    property bool continued: false

    signal copyRequested

    readonly property rect endRectangle: {
        lines.contentHeight; // a change of the layout moves it
        const end = lines.positionToRectangle(lines.length);
        return Qt.rect(Math.min(block.width - look.gap, scroll.x + end.x - scroll.contentX), scroll.y + end.y, end.width, end.height);
    }

    implicitHeight: scroll.y + scroll.height + look.gap
    radius: continued ? 0 : 10
    color: look.codeBackground

    // Appending lays out the new lines only; setting the text lays out all of them.
    onCodeChanged: {
        const shown = lines.shown;
        if (shown !== "" && code.startsWith(shown))
            lines.insert(lines.length, code.slice(shown.length));
        else
            lines.text = code;
        lines.shown = code;
    }

    Item {
        id: head
        width: parent.width
        height: block.continued ? 0 : Math.round(block.look.bodySize * 2.2)
        visible: !block.continued

        Text {
            anchors.verticalCenter: parent.verticalCenter
            x: block.look.gap
            width: parent.width - copy.width - 3 * x
            elide: Text.ElideRight
            text: block.language || qsTr("code")
            textFormat: Text.PlainText
            color: block.look.quietColor
            font.family: block.look.bodyFamily
            font.pixelSize: block.look.bodySize - 2
            Accessible.role: Accessible.StaticText
            Accessible.name: text
        }

        T.AbstractButton {
            id: copy
            anchors.verticalCenter: parent.verticalCenter
            anchors.right: parent.right
            anchors.rightMargin: block.look.gap / 2
            implicitWidth: contentItem.implicitWidth + block.look.gap
            implicitHeight: contentItem.implicitHeight + block.look.gap / 2
            focusPolicy: Qt.StrongFocus
            text: copied.running ? qsTr("Copied") : qsTr("Copy")
            onClicked: {
                block.copyRequested();
                copied.restart();
            }
            Keys.onReturnPressed: copy.clicked()
            Accessible.role: Accessible.Button
            Accessible.name: qsTr("Copy code")
            Accessible.onPressAction: copy.clicked()

            contentItem: Text {
                text: copy.text
                textFormat: Text.PlainText
                horizontalAlignment: Text.AlignHCenter
                verticalAlignment: Text.AlignVCenter
                color: copy.hovered || copy.visualFocus ? block.look.accentColor : block.look.quietColor
                font.family: block.look.bodyFamily
                font.pixelSize: block.look.bodySize - 2
            }
            background: Rectangle {
                radius: 6
                color: "transparent"
                border.width: copy.visualFocus ? 1 : 0
                border.color: block.look.accentColor
            }

            Timer {
                id: copied
                interval: 1600
            }
        }
    }

    Flickable {
        id: scroll
        x: block.look.gap
        y: head.height
        width: parent.width - 2 * x
        height: lines.height
        contentWidth: Math.max(width, lines.contentWidth)
        contentHeight: lines.height
        flickableDirection: Flickable.HorizontalFlick
        boundsBehavior: Flickable.StopAtBounds
        clip: true

        T.ScrollBar.horizontal: T.ScrollBar {
            id: bar
            implicitHeight: 6
            policy: size < 1 ? T.ScrollBar.AlwaysOn : T.ScrollBar.AlwaysOff
            visible: size < 1
            contentItem: Rectangle {
                implicitHeight: 4
                radius: 2
                color: bar.pressed ? block.look.accentColor : block.look.lineColor
            }
        }

        TextEdit {
            id: lines
            property string shown

            bottomPadding: bar.visible ? 8 : 0
            textFormat: TextEdit.PlainText
            readOnly: true
            selectByMouse: true
            selectByKeyboard: true
            wrapMode: TextEdit.NoWrap
            color: block.look.textColor
            selectionColor: block.look.accentColor
            selectedTextColor: block.look.codeBackground
            font.family: block.look.codeFamily
            font.pixelSize: block.look.bodySize - 2
            Accessible.role: Accessible.StaticText
            Accessible.name: block.code
        }
    }
}

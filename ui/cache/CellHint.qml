import QtQuick
import Runnel

/* Says what a cell of the map holds; outlines it. */
Item {
    id: hint

    required property rect cell
    required property string title
    required property string detail
    readonly property real widest: parent.width - 2 * Theme.space.m

    Rectangle {
        border.color: Theme.text
        border.width: 2
        color: "transparent"
        height: hint.cell.height + 4
        radius: 3
        width: hint.cell.width + 4
        x: hint.cell.x - 2
        y: hint.cell.y - 2
    }
    Rectangle {
        border.color: Theme.line
        color: Theme.card
        height: words.implicitHeight + 2 * Theme.space.s
        radius: Theme.radius.s
        width: words.implicitWidth + 2 * Theme.space.m
        x: Math.max(0, Math.min(hint.parent.width - width, hint.cell.x + hint.cell.width / 2 - width / 2))
        y: hint.cell.y > height + Theme.space.s ? hint.cell.y - height - Theme.space.s : hint.cell.y + hint.cell.height + Theme.space.s

        Column {
            id: words

            anchors.centerIn: parent
            spacing: 3

            PlainLabel {
                elide: Text.ElideRight
                font.weight: Font.DemiBold
                text: hint.title
                width: Math.min(implicitWidth, hint.widest)
            }
            PlainLabel {
                color: Theme.quiet
                elide: Text.ElideRight
                font.pixelSize: Theme.type.caption
                text: hint.detail
                width: Math.min(implicitWidth, hint.widest)
            }
        }
    }
}

import QtQuick
import QtQuick.Templates as T
import Runnel

/* What the model wrote before its answer, folded away until the reader asks for it. */
Column {
    id: fold

    required property string text
    required property bool thinking
    required property bool shown
    required property double remembered

    signal toggled
    signal linkActivated(string link)

    spacing: Theme.space.xs

    T.AbstractButton {
        id: header

        readonly property color ink: fold.remembered <= 0 ? Theme.forgotten : hovered ? Theme.text : Theme.quiet

        Accessible.description: fold.shown ? qsTr("Folds the reasoning away") : qsTr("Shows what the model wrote before its answer")
        Accessible.name: text
        Accessible.role: Accessible.Button
        implicitHeight: contentItem.implicitHeight + 2 * Theme.space.xs
        implicitWidth: contentItem.implicitWidth
        text: fold.thinking ? qsTr("Thinking") : qsTr("Reasoning")

        Keys.onEnterPressed: clicked()
        Keys.onReturnPressed: clicked()
        onClicked: fold.toggled()

        HoverHandler {
            cursorShape: Qt.PointingHandCursor
        }
        FocusRing {
            shown: header.visualFocus
        }

        contentItem: Row {
            spacing: Theme.space.xs

            Icon {
                anchors.verticalCenter: parent.verticalCenter
                color: header.ink
                height: 14
                name: fold.shown ? "chevron-down" : "chevron-right"
                width: 14
            }
            PlainLabel {
                anchors.verticalCenter: parent.verticalCenter
                color: header.ink
                font.pixelSize: Theme.type.caption
                font.weight: Font.Medium
                text: header.text
            }
        }
    }
    Item {
        height: written.implicitHeight
        visible: fold.shown && fold.text.length > 0
        width: parent.width

        Rectangle {
            color: Theme.line
            height: parent.height
            width: 2
        }
        AnswerText {
            id: written

            remembered: fold.remembered
            streaming: fold.thinking
            // Not laid out while nobody reads it.
            text: fold.shown ? fold.text : ""
            width: parent.width - x
            x: Theme.space.m

            onLinkActivated: link => fold.linkActivated(link)
        }
    }
}

import QtQuick
import QtQuick.Layouts
import Runnel

/* A long text that was pasted: it goes before what is typed. */
Rectangle {
    id: chip

    required property ChatViewModel chat

    border.color: Theme.line
    color: Theme.background
    implicitHeight: row.implicitHeight + 2 * Theme.space.xs
    implicitWidth: row.implicitWidth + Theme.space.m + Theme.space.xs
    radius: Theme.radius.s
    visible: chat.pasted.length > 0

    RowLayout {
        id: row

        anchors.fill: parent
        anchors.leftMargin: Theme.space.m
        anchors.rightMargin: Theme.space.xs
        spacing: Theme.space.s

        Icon {
            color: Theme.quiet
            name: "text"
        }
        PlainLabel {
            font.pixelSize: Theme.type.caption
            text: chip.chat.pastedSummary
        }
        IconButton {
            iconName: "close"
            iconSize: 12
            implicitHeight: 24
            implicitWidth: 24
            text: qsTr("Remove the pasted text")
            onClicked: chip.chat.dropPasted()
        }
    }
}

import QtQuick
import QtQuick.Layouts
import Runnel

/* Says above the text what will be done with it, and takes that back. */
Rectangle {
    id: chip

    required property string iconName
    required property string text
    required property string closeText

    signal closed

    border.color: Theme.line
    color: Theme.background
    implicitHeight: row.implicitHeight + 2 * Theme.space.xs
    implicitWidth: row.implicitWidth + Theme.space.m + Theme.space.xs
    radius: Theme.radius.s

    RowLayout {
        id: row

        anchors.fill: parent
        anchors.leftMargin: Theme.space.m
        anchors.rightMargin: Theme.space.xs
        spacing: Theme.space.s

        Icon {
            color: Theme.quiet
            name: chip.iconName
        }
        PlainLabel {
            Layout.fillWidth: true
            elide: Text.ElideRight
            font.pixelSize: Theme.type.caption
            text: chip.text
        }
        IconButton {
            iconName: "close"
            iconSize: 12
            implicitHeight: 24
            implicitWidth: 24
            text: chip.closeText
            onClicked: chip.closed()
        }
    }
}

import QtQuick
import QtQuick.Templates as T
import Runnel

/* An entry of a menu; the icon, the second line and the shortcut are optional. */
T.MenuItem {
    id: item

    property string iconName: ""
    property string detail: ""
    property int detailLines: 1
    property string shortcutText: ""
    property bool dangerous: false
    property bool dimmed: false  // looks disabled, but can be reached and says why in its detail

    Accessible.description: detail
    Accessible.name: text
    Accessible.role: Accessible.MenuItem
    activeFocusOnTab: visible  // the arrow keys pass over what is not offered
    font.family: Theme.sans
    font.pixelSize: Theme.type.body
    height: visible ? implicitHeight : 0
    implicitHeight: contentItem.implicitHeight + topPadding + bottomPadding
    implicitWidth: 228
    leftPadding: Theme.space.m - 2
    opacity: enabled ? 1 : 0.45
    rightPadding: leftPadding
    topPadding: Theme.space.s
    bottomPadding: topPadding

    background: Rectangle {
        color: item.highlighted || item.hovered ? Theme.hover : "transparent"
        radius: Theme.radius.s
    }
    // The template has no content of its own whose making could be put off.
    // qmllint disable deferred-property-id
    contentItem: Item {
        implicitHeight: words.implicitHeight

        Icon {
            id: icon

            anchors.verticalCenter: parent.verticalCenter
            color: item.dangerous ? Theme.error : Theme.quiet
            height: 16
            name: item.iconName
            opacity: item.dimmed ? 0.45 : 1
            width: item.iconName.length > 0 ? 16 : 0
        }
        Column {
            id: words

            anchors.left: icon.right
            anchors.leftMargin: item.iconName.length > 0 ? Theme.space.s + 2 : 0
            anchors.right: shortcut.left
            anchors.rightMargin: Theme.space.s
            anchors.verticalCenter: parent.verticalCenter
            spacing: 2

            PlainLabel {
                color: item.dangerous ? Theme.error : Theme.text
                elide: Text.ElideRight
                font: item.font
                opacity: item.dimmed ? 0.45 : 1
                text: item.text
                width: parent.width
            }
            PlainLabel {
                color: Theme.quiet
                elide: item.detailLines > 1 ? Text.ElideRight : Text.ElideMiddle
                font.pixelSize: Theme.type.caption
                maximumLineCount: item.detailLines
                text: item.detail
                visible: text.length > 0
                width: parent.width
                wrapMode: item.detailLines > 1 ? Text.Wrap : Text.NoWrap
            }
        }
        PlainLabel {
            id: shortcut

            anchors.right: parent.right
            anchors.verticalCenter: parent.verticalCenter
            color: Theme.quiet
            font.pixelSize: Theme.type.caption
            text: item.shortcutText
        }
    }
}

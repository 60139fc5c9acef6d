import QtQuick
import QtQuick.Templates as T
import Runnel

/* One line of text to type. */
T.TextField {
    id: field

    property bool wrong: false
    property string iconName: ""

    Accessible.name: placeholderText
    Accessible.role: Accessible.EditableText
    color: Theme.text
    font.family: Theme.sans
    font.pixelSize: Theme.type.body
    implicitHeight: contentHeight + topPadding + bottomPadding
    implicitWidth: 200
    leftPadding: iconName.length > 0 ? 34 : Theme.space.m
    rightPadding: Theme.space.m
    topPadding: Theme.space.s + 1
    bottomPadding: topPadding
    placeholderTextColor: Theme.quiet
    selectByMouse: true
    selectedTextColor: Theme.text
    selectionColor: Theme.blend(Theme.accent, Theme.card, 0.4)
    verticalAlignment: TextInput.AlignVCenter

    // The placeholder is a label of ours: the one of the control would read markup.
    PlainLabel {
        anchors.fill: parent
        anchors.leftMargin: field.leftPadding
        anchors.rightMargin: field.rightPadding
        color: field.placeholderTextColor
        elide: Text.ElideRight
        font: field.font
        text: field.placeholderText
        visible: field.length === 0 && field.preeditText.length === 0
    }
    Icon {
        anchors.left: parent.left
        anchors.leftMargin: Theme.space.m - 2
        anchors.verticalCenter: parent.verticalCenter
        color: Theme.quiet
        height: 16
        name: field.iconName
        width: 16
    }

    background: Rectangle {
        border.color: field.wrong ? Theme.error : field.activeFocus ? Theme.focus : Theme.line
        border.width: field.activeFocus ? 2 : 1
        color: Theme.card
        radius: Theme.radius.m
    }
}

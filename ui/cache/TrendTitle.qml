import QtQuick
import Runnel

/* The name of a figure on the left, its value on the right. */
Item {
    id: title

    required property string label
    required property string value

    Accessible.name: qsTr("%1: %2").arg(label).arg(value)
    Accessible.role: Accessible.StaticText
    implicitHeight: figure.implicitHeight

    PlainLabel {
        anchors.left: parent.left
        anchors.verticalCenter: parent.verticalCenter
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        font.weight: Font.DemiBold
        text: title.label
    }
    PlainLabel {
        id: figure

        anchors.right: parent.right
        anchors.verticalCenter: parent.verticalCenter
        font.pixelSize: Theme.type.caption
        font.weight: Font.DemiBold
        text: title.value
    }
}

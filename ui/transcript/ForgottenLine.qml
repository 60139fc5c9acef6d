import QtQuick
import Runnel

/* The line above which nothing is remembered. */
Item {
    id: line

    Accessible.name: words.text
    Accessible.role: Accessible.Separator
    implicitHeight: words.implicitHeight

    component Dots: Row {
        anchors.verticalCenter: words.verticalCenter
        clip: true
        height: 2
        spacing: 5

        Repeater {
            model: Math.max(0, Math.floor(((line.width - words.width) / 2 - 24) / 7))

            Rectangle {
                color: Theme.accent
                height: 2
                radius: 1
                width: 2
            }
        }
    }

    Dots {
        anchors.left: parent.left
    }
    PlainLabel {
        id: words

        anchors.horizontalCenter: parent.horizontalCenter
        color: Theme.accent
        font.pixelSize: Theme.type.caption
        font.weight: Font.DemiBold
        text: qsTr("the model no longer remembers above")
    }
    Dots {
        anchors.right: parent.right
    }
}

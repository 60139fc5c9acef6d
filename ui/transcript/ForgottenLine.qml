import QtQuick
import Runnel

/* The line above which nothing is remembered. */
Item {
    id: line

    readonly property real dotted: (width - words.width) / 2 - Theme.space.xl

    Accessible.name: words.text
    Accessible.role: Accessible.Separator
    implicitHeight: words.implicitHeight

    component Dots: Row {
        id: dots

        required property real extent

        height: 2
        spacing: 5
        width: extent

        Repeater {
            model: Math.max(0, Math.floor(dots.extent / 7))

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
        anchors.verticalCenter: words.verticalCenter
        extent: line.dotted
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
        anchors.verticalCenter: words.verticalCenter
        extent: line.dotted
    }
}

import QtQuick
import QtQuick.Templates as T
import Runnel

/* A number on a slider, with its name, its value and what it means. */
Column {
    id: field

    required property string label
    property string explanation: ""
    property real value: 0
    property real from: 0
    property real to: 1
    property real step: 0.01
    property int decimals: 2

    signal edited(real value)

    spacing: Theme.space.xs

    Item {
        height: name.implicitHeight
        width: parent.width

        PlainLabel {
            id: name

            anchors.left: parent.left
            anchors.right: figure.left
            font.weight: Font.Medium
            text: field.label
            wrapMode: Text.Wrap
        }
        PlainLabel {
            id: figure

            anchors.right: parent.right
            color: Theme.quiet
            font.family: Theme.mono
            text: field.value.toFixed(field.decimals)
        }
    }
    T.Slider {
        id: slider

        Accessible.description: field.explanation
        Accessible.name: field.label
        Accessible.role: Accessible.Slider
        from: field.from
        implicitHeight: 22
        stepSize: field.step
        to: field.to
        value: field.value
        width: parent.width

        onMoved: field.edited(value)

        background: Rectangle {
            color: Theme.line
            height: 4
            radius: 2
            width: slider.availableWidth
            y: (slider.height - height) / 2

            Rectangle {
                color: Theme.accent
                height: parent.height
                radius: 2
                width: slider.visualPosition * parent.width
            }
        }
        handle: Rectangle {
            border.color: Theme.accent
            border.width: 2
            color: Theme.card
            height: 16
            radius: 8
            width: 16
            x: slider.visualPosition * (slider.availableWidth - width)
            y: (slider.height - height) / 2

            FocusRing {
                radius: 11
                shown: slider.visualFocus
            }
        }
    }
    PlainLabel {
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        lineHeight: 1.2
        text: field.explanation
        visible: text.length > 0
        width: parent.width
        wrapMode: Text.Wrap
    }
}

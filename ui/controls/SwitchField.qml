import QtQuick
import QtQuick.Templates as T
import Runnel

/* Something that is on or off, with its name and what it means. */
Item {
    id: field

    required property string label
    property string explanation: ""
    property bool checked: false

    signal edited(bool on)

    implicitHeight: Math.max(words.implicitHeight, toggle.implicitHeight)
    implicitWidth: 300

    Column {
        id: words

        anchors.left: parent.left
        anchors.right: toggle.left
        anchors.rightMargin: Theme.space.l
        spacing: Theme.space.xs

        PlainLabel {
            font.weight: Font.Medium
            text: field.label
            width: parent.width
            wrapMode: Text.Wrap
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
    T.Switch {
        id: toggle

        Accessible.description: field.explanation
        Accessible.name: field.label
        Accessible.role: Accessible.CheckBox
        anchors.right: parent.right
        checked: field.checked
        implicitHeight: 24
        implicitWidth: 42

        Keys.onReturnPressed: {
            toggle.toggle();
            field.edited(checked);
        }
        onToggled: field.edited(checked)

        background: Rectangle {
            border.color: toggle.checked ? Theme.accent : Theme.quiet
            border.width: toggle.checked ? 0 : 1
            color: toggle.checked ? Theme.accent : "transparent"
            radius: height / 2

            FocusRing {
                radius: 15
                shown: toggle.visualFocus
            }
        }
        indicator: Rectangle {
            color: toggle.checked ? Theme.accentText : Theme.quiet
            height: 16
            radius: 8
            width: 16
            x: toggle.checked ? toggle.width - width - 4 : 4
            y: 4
        }
    }
}

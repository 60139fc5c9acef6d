import QtQuick
import QtQuick.Templates as T
import Runnel

/* A button that is only an icon; its name is spoken, and shown when the pointer rests on it. */
T.Button {
    id: button

    required property string iconName
    property bool lined: false
    property bool filled: false
    property color iconColor: filled ? Theme.accentText : hovered || checked ? Theme.text : Theme.quiet
    property real iconSize: 18
    property bool used: false // since the pointer came: the name mustn't cover what opened then

    Accessible.name: text
    Accessible.role: Accessible.Button
    implicitHeight: 34
    implicitWidth: 34
    opacity: enabled ? 1 : 0.45

    onHoveredChanged: used = false
    onPressed: used = true
    onTextChanged: used = false

    Keys.onEnterPressed: button.clicked()
    Keys.onReturnPressed: button.clicked()

    HoverHandler {
        cursorShape: Qt.PointingHandCursor
    }
    Hint {
        shown: button.hovered && !button.used || button.visualFocus
        text: button.text
    }

    background: Rectangle {
        border.color: Theme.line
        border.width: button.lined ? 1 : 0
        color: {
            if (button.filled)
                return button.down ? Theme.blend(Theme.text, Theme.accent, 0.16) : button.hovered ? Theme.blend(Theme.text, Theme.accent, 0.08) : Theme.accent;
            return button.down ? Theme.pressed : button.hovered ? Theme.hover : button.lined ? Theme.card : "transparent";
        }
        radius: Theme.radius.s + 1

        FocusRing {
            radius: Theme.radius.s + 4
            shown: button.visualFocus
        }
    }
    contentItem: Item {
        Icon {
            anchors.centerIn: parent
            color: button.iconColor
            height: button.iconSize
            name: button.iconName
            width: button.iconSize
        }
    }
}

import QtQuick
import QtQuick.Templates as T
import Runnel

/* A button with words on it: filled with the accent for the one thing to do, lined, or as quiet as a link. */
T.Button {
    id: button

    enum Kind {
        Lined,
        Filled,
        Link,
        Danger
    }

    property int kind: PushButton.Lined
    readonly property bool filled: kind === PushButton.Filled
    readonly property bool link: kind === PushButton.Link

    Accessible.name: text
    Accessible.role: Accessible.Button
    font.family: Theme.sans
    font.pixelSize: Theme.type.body
    font.weight: Font.DemiBold
    implicitHeight: contentItem.implicitHeight + topPadding + bottomPadding
    implicitWidth: contentItem.implicitWidth + leftPadding + rightPadding
    leftPadding: link ? Theme.space.xs : Theme.space.l
    rightPadding: leftPadding
    topPadding: link ? Theme.space.xs : Theme.space.s + 1
    bottomPadding: topPadding
    opacity: enabled ? 1 : 0.5

    Keys.onEnterPressed: button.clicked()
    Keys.onReturnPressed: button.clicked()

    HoverHandler {
        cursorShape: Qt.PointingHandCursor
    }

    background: Rectangle {
        border.color: button.kind === PushButton.Danger ? Theme.error : Theme.line
        border.width: button.filled || button.link ? 0 : 1
        color: {
            if (button.filled)
                return button.down ? Theme.blend(Theme.text, Theme.accent, 0.16) : button.hovered ? Theme.blend(Theme.text, Theme.accent, 0.08) : Theme.accent;
            if (button.link)
                return "transparent";
            return button.down ? Theme.pressed : button.hovered ? Theme.hover : Theme.card;
        }
        radius: Theme.radius.m

        FocusRing {
            radius: Theme.radius.m + 3
            shown: button.visualFocus
        }
    }
    contentItem: PlainLabel {
        color: button.filled ? Theme.accentText : button.link ? Theme.accent : button.kind === PushButton.Danger ? Theme.error : Theme.text
        font: button.font
        horizontalAlignment: Text.AlignHCenter
        text: button.text
    }
}

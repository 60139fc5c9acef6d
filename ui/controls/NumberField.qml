import QtQuick
import Runnel

/* A number with its name, what it means, and what is wrong with it. Emits `edited` with what was typed; whether it is
   allowed is for the view model to say. */
Item {
    id: field

    required property string label
    property string explanation: ""
    property real value: 0
    property int decimals: 0
    property real step: 1
    property bool wrong: false

    signal edited(real value)

    function shown(number: real): string {
        return Number(number).toFixed(decimals);
    }
    function stepBy(count: int): void {
        edited(Math.round((value + count * step) * 1e6) / 1e6);
    }

    implicitHeight: Math.max(words.implicitHeight, entry.implicitHeight)
    implicitWidth: 300

    Column {
        id: words

        anchors.left: parent.left
        anchors.right: entry.left
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
    TextEntry {
        id: entry

        Accessible.description: field.explanation
        Accessible.name: field.label
        Accessible.role: Accessible.SpinBox
        anchors.right: steps.left
        anchors.rightMargin: Theme.space.xs
        font.family: Theme.mono
        horizontalAlignment: TextInput.AlignRight
        implicitWidth: 100
        inputMethodHints: Qt.ImhFormattedNumbersOnly
        text: field.shown(field.value)
        wrong: field.wrong

        Keys.onDownPressed: field.stepBy(-1)
        Keys.onUpPressed: field.stepBy(1)
        onActiveFocusChanged: if (!activeFocus)
            text = Qt.binding(() => field.shown(field.value))
        onTextEdited: {
            const number = Number(text.replace(",", "."));
            if (text.length > 0 && !isNaN(number))
                field.edited(number);
        }
    }
    Column {
        id: steps

        anchors.right: parent.right
        anchors.verticalCenter: entry.verticalCenter
        spacing: 2

        IconButton {
            focusPolicy: Qt.NoFocus
            iconName: "chevron-up"
            iconSize: 12
            implicitHeight: 16
            implicitWidth: 22
            text: qsTr("More")
            onClicked: field.stepBy(1)
        }
        IconButton {
            focusPolicy: Qt.NoFocus
            iconName: "chevron-down"
            iconSize: 12
            implicitHeight: 16
            implicitWidth: 22
            text: qsTr("Less")
            onClicked: field.stepBy(-1)
        }
    }
}

import QtQuick
import QtQuick.Layouts

/* A number with its name, what it means, and what is wrong with it. Emits `edited` with what was typed; whether it is
   allowed is for the view model to say. */
ColumnLayout {
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

    spacing: Theme.space.xs

    RowLayout {
        Layout.fillWidth: true
        spacing: Theme.space.s

        PlainLabel {
            Layout.fillWidth: true
            font.weight: Font.Medium
            text: field.label
            wrapMode: Text.Wrap
        }
        TextEntry {
            id: entry

            Accessible.description: field.explanation
            Accessible.name: field.label
            Accessible.role: Accessible.SpinBox
            Layout.preferredWidth: 96
            font.family: Theme.mono
            horizontalAlignment: TextInput.AlignRight
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
        ColumnLayout {
            spacing: 2

            IconButton {
                focusPolicy: Qt.NoFocus
                iconName: "chevron-up"
                iconSize: 12
                implicitHeight: 15
                implicitWidth: 22
                text: qsTr("More")
                onClicked: field.stepBy(1)
            }
            IconButton {
                focusPolicy: Qt.NoFocus
                iconName: "chevron-down"
                iconSize: 12
                implicitHeight: 15
                implicitWidth: 22
                text: qsTr("Less")
                onClicked: field.stepBy(-1)
            }
        }
    }
    PlainLabel {
        Layout.fillWidth: true
        Layout.rightMargin: 130
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        lineHeight: 1.2
        text: field.explanation
        visible: text.length > 0
        wrapMode: Text.Wrap
    }
}

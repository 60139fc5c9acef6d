import QtQuick
import QtQuick.Layouts
import Runnel

/* Asks how the model that answers is to be saved, and under which name. */
QuestionDialog {
    id: dialog

    required property ModelExport exporter

    property string kind: "Q4_0"
    readonly property string nameProblem: exporter.nameProblem(name.text)
    readonly property bool taken: opened && exporter.isTaken(name.text)

    function suggest(): void {
        name.text = exporter.suggestedName(kind);
    }

    acceptable: nameProblem.length === 0
    dangerous: taken
    explanation: qsTr("One file that other programs open too, kept in the model library, %1.").arg(exporter.folder)
    title: qsTr("Save as GGUF")
    verb: taken ? qsTr("Replace") : qsTr("Save")

    onAccepted: exporter.save(name.text, kind)
    onAboutToShow: suggest()

    SegmentedChoice {
        Layout.fillWidth: true
        current: dialog.kind
        label: qsTr("Weights")
        labels: [qsTr("4 bits"), qsTr("8 bits"), qsTr("16 bits")]
        values: ["Q4_0", "Q8_0", "F16"]

        onChosen: value => {
            dialog.kind = value;
            dialog.suggest();
        }
    }
    PlainLabel {
        Layout.fillWidth: true
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        lineHeight: 1.2
        text: dialog.kind === "Q4_0" ? qsTr("The smallest and fastest.") : dialog.kind === "Q8_0" ? qsTr("About twice as large, with hardly any loss.") : qsTr("About four times as large, nearly as published.")
        wrapMode: Text.Wrap
    }
    TextEntry {
        id: name

        Accessible.name: qsTr("File name")
        Layout.fillWidth: true
        Layout.topMargin: Theme.space.s
        placeholderText: qsTr("File name")

        onAccepted: dialog.confirm()
    }
    PlainLabel {
        Layout.fillWidth: true
        color: Theme.error
        font.pixelSize: Theme.type.caption
        text: dialog.taken ? qsTr("There is a file of this name; it would be replaced.") : dialog.nameProblem
        visible: text.length > 0
        wrapMode: Text.Wrap
    }
}

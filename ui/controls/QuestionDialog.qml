import QtQuick
import QtQuick.Layouts
import QtQuick.Templates as T
import Runnel

/* Asks before something is done: a title, a sentence, the verb and Cancel. */
T.Popup {
    id: dialog

    required property string title
    property string explanation: ""
    property string verb: qsTr("OK")
    property bool dangerous: false
    property bool acceptable: true
    default property alias content: body.data

    signal accepted

    /* As if the verb had been clicked. */
    function confirm(): void {
        if (!acceptable)
            return;
        accepted();
        close();
    }

    anchors.centerIn: T.Overlay.overlay
    closePolicy: T.Popup.CloseOnEscape
    focus: true
    implicitHeight: contentItem.implicitHeight + 2 * padding
    modal: true
    padding: Theme.space.xl
    width: 400

    T.Overlay.modal: Rectangle {
        color: Theme.dim
    }
    background: Rectangle {
        border.color: Theme.line
        color: Theme.card
        radius: Theme.radius.l
    }
    // The template has no content of its own whose making could be put off.
    // qmllint disable deferred-property-id
    contentItem: ColumnLayout {
        Accessible.name: dialog.title
        Accessible.role: Accessible.Dialog
        spacing: Theme.space.m

        PlainLabel {
            Layout.fillWidth: true
            font.pixelSize: Theme.type.title
            font.weight: Font.DemiBold
            text: dialog.title
            wrapMode: Text.Wrap
        }
        PlainLabel {
            Layout.fillWidth: true
            color: Theme.quiet
            lineHeight: 1.25
            text: dialog.explanation
            visible: text.length > 0
            wrapMode: Text.Wrap
        }
        ColumnLayout {
            id: body

            Layout.fillWidth: true
            visible: children.length > 0
        }
        RowLayout {
            Layout.alignment: Qt.AlignRight
            Layout.topMargin: Theme.space.s
            spacing: Theme.space.s

            PushButton {
                text: qsTr("Cancel")
                onClicked: dialog.close()
            }
            PushButton {
                enabled: dialog.acceptable
                focus: true
                kind: dialog.dangerous ? PushButton.Danger : PushButton.Filled
                text: dialog.verb
                onClicked: dialog.confirm()
            }
        }
    }
}

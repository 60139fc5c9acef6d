import QtQuick
import QtQuick.Layouts
import QtQuick.Templates as T
import Runnel

/* The model that answers, or how far it is loaded or saved; opens the list of models. */
T.Button {
    id: card

    required property ModelPicker models
    required property ModelExport exporter

    readonly property bool working: models.loading || exporter.saving
    readonly property string detail: exporter.saving && !models.loading ? qsTr("Saving %1 …").arg(exporter.fileName) : models.detail

    Accessible.description: detail
    Accessible.name: qsTr("Model: %1").arg(models.name)
    Accessible.role: Accessible.ButtonMenu
    bottomPadding: Theme.space.m - 2
    implicitHeight: contentItem.implicitHeight + topPadding + bottomPadding
    leftPadding: Theme.space.l
    rightPadding: Theme.space.s
    topPadding: bottomPadding

    Keys.onReturnPressed: card.clicked()
    onClicked: {
        models.rescan();
        menu.popup(card, 0, -menu.height - Theme.space.s);
    }

    HoverHandler {
        cursorShape: Qt.PointingHandCursor
    }
    ModelMenu {
        id: menu

        implicitWidth: card.width
        models: card.models
        savable: card.exporter.possible

        onSaveAsked: exportDialog.open()
    }
    ExportDialog {
        id: exportDialog

        exporter: card.exporter
    }

    background: Rectangle {
        border.color: Theme.line
        color: card.hovered || card.down ? Theme.hover : Theme.card
        radius: Theme.radius.m

        FocusRing {
            radius: Theme.radius.m + 3
            shown: card.visualFocus
        }
    }
    contentItem: RowLayout {
        spacing: Theme.space.s

        ColumnLayout {
            Layout.fillWidth: true
            spacing: 4

            PlainLabel {
                Layout.fillWidth: true
                elide: Text.ElideRight
                font.weight: Font.DemiBold
                text: card.models.name
            }
            PlainLabel {
                Layout.fillWidth: true
                color: Theme.quiet
                elide: Text.ElideRight
                font.pixelSize: Theme.type.caption
                text: card.detail
            }
            ProgressLine {
                Accessible.name: card.models.loading ? qsTr("Loading the model") : qsTr("Saving the model")
                Accessible.role: Accessible.ProgressBar
                Layout.fillWidth: true
                value: card.models.loading ? card.models.progress : card.exporter.progress
                visible: card.working
            }
        }
        IconButton {
            iconName: "close"
            iconSize: 14
            text: card.models.loading ? qsTr("Stop loading") : qsTr("Stop saving")
            visible: card.working
            onClicked: card.models.loading ? card.models.cancel() : card.exporter.stop()
        }
        Icon {
            Layout.rightMargin: Theme.space.xs
            color: Theme.quiet
            name: "chevron-up"
            visible: !card.working
        }
    }
}

import QtQuick
import QtQuick.Layouts
import QtQuick.Templates as T
import Runnel

/* The model that answers, or how far it is loaded; opens the list of models. */
T.Button {
    id: card

    required property ModelPicker models

    Accessible.description: models.detail
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
                text: card.models.detail
            }
            ProgressLine {
                Accessible.name: qsTr("Loading the model")
                Accessible.role: Accessible.ProgressBar
                Layout.fillWidth: true
                value: card.models.progress
                visible: card.models.loading
            }
        }
        IconButton {
            iconName: "close"
            iconSize: 14
            text: qsTr("Stop loading")
            visible: card.models.loading
            onClicked: card.models.cancel()
        }
        Icon {
            Layout.rightMargin: Theme.space.xs
            color: Theme.quiet
            name: "chevron-up"
            visible: !card.models.loading
        }
    }
}

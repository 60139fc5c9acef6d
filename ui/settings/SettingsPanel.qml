import QtQuick
import QtQuick.Templates as T
import Runnel

/* All settings, in a panel on the right. */
T.Popup {
    id: panel

    required property SettingsViewModel settings

    closePolicy: T.Popup.CloseOnEscape | T.Popup.CloseOnPressOutside
    focus: true
    height: parent ? parent.height : 0
    modal: true
    padding: 0
    parent: T.Overlay.overlay
    width: Math.min(parent ? parent.width - 48 : 460, 460 * Math.max(1, Theme.fontScale))
    x: parent ? parent.width - width : 0

    onAboutToShow: settings.revertCache()

    T.Overlay.modal: Rectangle {
        color: Theme.dim
    }
    background: Rectangle {
        color: Theme.background

        Rectangle {
            color: Theme.line
            height: parent.height
            width: 1
        }
    }
    // The template has no content of its own whose making could be put off.
    // qmllint disable deferred-property-id
    contentItem: Item {
        Accessible.name: qsTr("Settings")
        Accessible.role: Accessible.Dialog

        Item {
            id: header

            height: 64
            width: parent.width

            PlainLabel {
                Accessible.role: Accessible.Heading
                anchors.left: parent.left
                anchors.leftMargin: Theme.space.xl
                anchors.verticalCenter: parent.verticalCenter
                font.pixelSize: Theme.type.title
                font.weight: Font.DemiBold
                text: qsTr("Settings")
            }
            IconButton {
                anchors.right: parent.right
                anchors.rightMargin: Theme.space.m
                anchors.verticalCenter: parent.verticalCenter
                iconName: "close"
                iconSize: 16
                text: qsTr("Close (Esc)")
                onClicked: panel.close()
            }
            Rectangle {
                anchors.bottom: parent.bottom
                color: Theme.line
                height: 1
                width: parent.width
            }
        }
        Flickable {
            id: flickable

            anchors.bottom: parent.bottom
            anchors.left: parent.left
            anchors.right: parent.right
            anchors.top: header.bottom
            boundsBehavior: Flickable.StopAtBounds
            clip: true
            contentHeight: column.implicitHeight + 2 * Theme.space.xl

            SlimScrollBar.vertical: SlimScrollBar {
            }

            Column {
                id: column

                spacing: Theme.space.xxl
                width: flickable.width - 2 * Theme.space.xl
                x: Theme.space.xl
                y: Theme.space.xl

                CacheSection {
                    settings: panel.settings
                    width: parent.width
                }
                AnswerSection {
                    settings: panel.settings
                    width: parent.width
                }
                PromptSection {
                    settings: panel.settings
                    width: parent.width
                }
                AppearanceSection {
                    settings: panel.settings
                    width: parent.width
                }
                ComputationSection {
                    settings: panel.settings
                    width: parent.width
                }
            }
        }
    }
}

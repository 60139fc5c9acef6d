import QtQuick
import Runnel

/* The right column: what the model's memory holds now. */
Rectangle {
    id: panel

    required property CacheViewModel cache

    signal closed
    signal settingsAsked
    signal messageAsked(real id)

    color: Theme.background

    // Watching costs a little: nobody does through a closed panel.
    onVisibleChanged: if (!visible)
        cache.colouring = CacheViewModel.Whose

    // Lies above the transcript in a narrow window: clicks must not reach what is beneath.
    MouseArea {
        anchors.fill: parent
        hoverEnabled: true
    }
    Rectangle {
        anchors.bottom: parent.bottom
        anchors.left: parent.left
        anchors.top: parent.top
        color: Theme.line
        width: 1
    }
    Item {
        id: header

        height: 64
        width: parent.width

        PlainLabel {
            Accessible.role: Accessible.Heading
            anchors.left: parent.left
            anchors.leftMargin: Theme.space.xl
            anchors.verticalCenter: parent.verticalCenter
            font.pixelSize: Theme.type.message
            font.weight: Font.DemiBold
            text: qsTr("Memory")
        }
        IconButton {
            anchors.right: parent.right
            anchors.rightMargin: Theme.space.m
            anchors.verticalCenter: parent.verticalCenter
            iconName: "close"
            iconSize: 16
            text: qsTr("Hide the memory (Ctrl+B)")
            onClicked: panel.closed()
        }
        Rectangle {
            anchors.bottom: parent.bottom
            color: Theme.line
            height: 1
            width: parent.width
        }
    }
    Flickable {
        anchors.bottom: parent.bottom
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.top: header.bottom
        boundsBehavior: Flickable.StopAtBounds
        clip: true
        contentHeight: column.implicitHeight + Theme.space.l + Theme.space.xl

        SlimScrollBar.vertical: SlimScrollBar {
        }

        Column {
            id: column

            spacing: Theme.space.l
            width: panel.width - 2 * Theme.space.xl
            x: Theme.space.xl
            y: Theme.space.m

            CacheFill {
                width: parent.width
                cache: panel.cache
            }
            CacheLegend {
                width: parent.width
                cache: panel.cache
            }
            CacheMapView {
                width: parent.width
                cache: panel.cache

                onMessageAsked: id => panel.messageAsked(id)
            }
            MemoryTrend {
                width: parent.width
                cache: panel.cache
            }
            Rectangle {
                width: parent.width
                color: Theme.line
                height: 1
            }
            SpeedTrend {
                width: parent.width
                cache: panel.cache
            }
            Rectangle {
                width: parent.width
                color: Theme.line
                height: 1
            }
            Item {
                height: change.height
                width: parent.width

                PlainLabel {
                    anchors.left: parent.left
                    anchors.right: change.left
                    anchors.verticalCenter: parent.verticalCenter
                    color: Theme.quiet
                    elide: Text.ElideRight
                    font.family: Theme.mono
                    font.pixelSize: Theme.type.caption
                    text: panel.cache.settingsLine
                }
                PushButton {
                    id: change

                    Accessible.name: qsTr("Change the cache’s settings")
                    anchors.right: parent.right
                    font.pixelSize: Theme.type.caption
                    kind: PushButton.Link
                    rightPadding: 0
                    text: qsTr("Change")
                    onClicked: panel.settingsAsked()
                }
            }
        }
    }
}

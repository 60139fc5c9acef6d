pragma ComponentBehavior: Bound

import QtQuick
import Runnel

/* The map of the cache's slots, with what lies under the pointer, and whose colour is whose. */
Column {
    id: view

    required property CacheViewModel cache
    readonly property bool isSurprise: cache.colouring === CacheViewModel.Surprise
    readonly property color unknownColor: Qt.tint(Theme.freeCell, Qt.rgba(Theme.system.r, Theme.system.g, Theme.system.b, 0.35))

    signal messageAsked(real id)

    spacing: Theme.space.s

    CacheMap {
        id: map

        property int hoveredSlot: hover.hovered ? slotAt(hover.point.position.x, hover.point.position.y) : -1

        Accessible.description: view.cache.rollingLine
        Accessible.name: qsTr("Map of the cache")
        Accessible.role: Accessible.Graphic
        height: implicitHeight
        width: parent.width
        assistantColor: Theme.assistant
        backgroundColor: Theme.background
        cache: view.cache
        freeColor: Theme.freeCell
        headColor: Theme.text
        heatColor: Theme.error
        pinnedColor: Theme.pinned
        preferredHeight: 260
        showsHeat: view.cache.colouring !== CacheViewModel.Whose
        sinkColor: Theme.sink
        systemColor: Theme.system
        unknownColor: view.unknownColor
        userColor: Theme.user

        onHoveredSlotChanged: view.cache.hoveredSlot = hoveredSlot

        HoverHandler {
            id: hover
        }
        TapHandler {
            onTapped: point => {
                const message = view.cache.messageAt(map.slotAt(point.position.x, point.position.y));
                if (message > 0)
                    view.messageAsked(message);
            }
        }
        CellHint {
            cell: map.hoveredSlot >= 0 ? map.rectOf(map.hoveredSlot) : Qt.rect(0, 0, 0, 0)
            detail: view.cache.hoveredDetail
            title: view.cache.hoveredTitle
            visible: map.hoveredSlot >= 0
        }
    }
    SegmentedChoice {
        current: values[view.cache.colouring]
        label: qsTr("Colours of the map")
        labels: [qsTr("whose"), qsTr("attention"), qsTr("surprise")]
        values: ["whose", "attention", "surprise"]
        width: parent.width

        onChosen: value => view.cache.colouring = values.indexOf(value)
    }
    Row {
        spacing: Theme.space.s
        visible: view.cache.colouring !== CacheViewModel.Whose

        PlainLabel {
            anchors.verticalCenter: parent.verticalCenter
            color: Theme.quiet
            font.pixelSize: Theme.type.caption
            text: view.isSurprise ? qsTr("expected") : qsTr("attention of the last token: none")
        }
        Rectangle {
            anchors.verticalCenter: parent.verticalCenter
            height: 9
            radius: 2.5
            width: 60

            gradient: Gradient {
                orientation: Gradient.Horizontal

                GradientStop {
                    color: Theme.freeCell
                    position: 0
                }
                GradientStop {
                    color: Theme.error
                    position: 1
                }
            }
        }
        PlainLabel {
            anchors.verticalCenter: parent.verticalCenter
            color: Theme.quiet
            font.pixelSize: Theme.type.caption
            text: view.isSurprise ? qsTr("surprising") : qsTr("much")
        }
        ColorEntry {
            anchors.verticalCenter: parent.verticalCenter
            label: qsTr("not known")
            swatch: view.unknownColor
            visible: view.isSurprise
        }
    }
    Flow {
        spacing: Theme.space.m
        visible: view.cache.colouring === CacheViewModel.Whose
        width: parent.width

        Repeater {
            model: [{
                    "label": qsTr("you"),
                    "swatch": Theme.user
                }, {
                    "label": qsTr("assistant"),
                    "swatch": Theme.assistant
                }, {
                    "label": qsTr("system, template"),
                    "swatch": Theme.system
                }, {
                    "label": qsTr("free"),
                    "swatch": Theme.freeCell
                }]

            ColorEntry {
                required property var modelData

                label: modelData.label
                swatch: modelData.swatch
            }
        }
    }

    component ColorEntry: Row {
        id: entry

        required property string label
        required property color swatch

        spacing: 6

        Rectangle {
            anchors.verticalCenter: parent.verticalCenter
            color: entry.swatch
            height: 9
            radius: 2.5
            width: 9
        }
        PlainLabel {
            color: Theme.quiet
            font.pixelSize: Theme.type.caption
            text: entry.label
        }
    }
}

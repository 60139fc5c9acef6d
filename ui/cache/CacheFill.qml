import QtQuick
import Runnel

/* How full the cache is: the number, and a bar of why its tokens stay. */
Column {
    id: fill

    required property CacheViewModel cache

    function counted(number: real): string {
        return Number(number).toLocaleString(Qt.locale(), "f", 0);
    }

    Accessible.name: qsTr("%1 of %2 tokens in the cache").arg(counted(cache.cached)).arg(counted(cache.ctxSize))
    Accessible.role: Accessible.ProgressBar
    spacing: Theme.space.s

    Row {
        spacing: Theme.space.s + 2

        PlainLabel {
            id: figure

            font.pixelSize: Theme.type.figure
            font.weight: Font.Bold
            text: fill.counted(fill.cache.cached)
        }
        PlainLabel {
            anchors.baseline: figure.baseline
            color: Theme.quiet
            text: qsTr("of %1 tokens in the cache").arg(fill.counted(fill.cache.ctxSize))
        }
    }
    Rectangle {
        id: bar

        readonly property real unit: width / Math.max(1, fill.cache.ctxSize)

        color: Theme.freeCell
        height: 8
        radius: 4
        width: parent.width

        // Clipping keeps square corners, so each part is a rounded bar that reaches under the one before it.
        Rectangle {
            color: Theme.assistant
            height: parent.height
            radius: 4
            visible: fill.cache.window > 0
            width: Math.max(8, fill.cache.cached * bar.unit)
        }
        Rectangle {
            color: Theme.pinned
            height: parent.height
            radius: 4
            visible: fill.cache.pinned > 0
            width: Math.max(8, (fill.cache.sinks + fill.cache.pinned) * bar.unit)
        }
        Rectangle {
            color: Theme.sink
            height: parent.height
            radius: 4
            visible: fill.cache.sinks > 0
            width: Math.max(8, fill.cache.sinks * bar.unit)
        }
    }
}

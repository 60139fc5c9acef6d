import QtQuick
import Runnel

/* Memory of the cache, measured, against what a cache without eviction would have grown to. */
Column {
    id: trend

    required property CacheViewModel cache
    readonly property real highest: Math.max(cache.bytes, cache.unboundedBytes) * 1.08

    spacing: Theme.space.s

    TrendTitle {
        label: qsTr("Memory of the cache")
        value: qsTr("%1, flat").arg(trend.cache.bytesText)
        width: parent.width
    }
    Item {
        height: 72
        width: parent.width

        TrendLine {
            anchors.fill: parent
            color: Theme.quiet
            dotted: true
            maximum: trend.highest
            values: [0, trend.cache.unboundedBytes]
        }
        TrendLine {
            anchors.fill: parent
            color: Theme.accent
            maximum: trend.highest
            values: [trend.cache.bytes, trend.cache.bytes]
        }
    }
    PlainLabel {
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        text: qsTr("a cache that never forgets: %1").arg(trend.cache.unboundedBytesText)
        width: parent.width
        wrapMode: Text.Wrap
    }
}

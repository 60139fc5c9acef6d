import QtQuick
import Runnel

/* Memory of the cache, measured, against what a cache without eviction would have grown to. */
Column {
    id: trend

    required property CacheViewModel cache
    readonly property real highest: Math.max(1, cache.bytes, cache.unboundedBytes) * 1.08

    /* In whole pixels, so that the lines are painted anew only when they look different. */
    function share(bytes: real): real {
        return Math.round(bytes / highest * chart.height) / chart.height;
    }

    spacing: Theme.space.s

    TrendTitle {
        label: qsTr("Memory of the cache")
        value: trend.cache.bytes > 0 ? qsTr("%1, flat").arg(trend.cache.bytesText) : qsTr("not yet reserved")
        width: parent.width
    }
    Item {
        id: chart

        height: 72
        width: parent.width

        TrendLine {
            anchors.fill: parent
            color: Theme.quiet
            dotted: true
            values: [0, trend.share(trend.cache.unboundedBytes)]
        }
        TrendLine {
            anchors.fill: parent
            color: Theme.accent
            values: [trend.share(trend.cache.bytes), trend.share(trend.cache.bytes)]
        }
    }
    PlainLabel {
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        text: trend.cache.bytes > 0 ? qsTr("a cache that never forgets: %1").arg(trend.cache.unboundedBytesText) : qsTr("reserved once, when the first message is read")
        width: parent.width
        wrapMode: Text.Wrap
    }
}

import QtQuick
import Runnel

/* Tokens a second over the last answers, and what happens to the oldest tokens. */
Column {
    id: trend

    required property CacheViewModel cache

    spacing: Theme.space.s

    TrendTitle {
        label: qsTr("Speed")
        value: trend.cache.tokensPerSecond > 0 ? qsTr("%1 tokens/s").arg(trend.cache.tokensPerSecond.toLocaleString(Qt.locale(), "f", 1)) : qsTr("resting")
        width: parent.width
    }
    TrendLine {
        capacity: 160
        color: Theme.user
        height: 48
        maximum: trend.cache.topSpeed * 1.15
        values: trend.cache.speedHistory
        width: parent.width
    }
    PlainLabel {
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        lineHeight: 1.2
        text: trend.cache.rollingLine
        width: parent.width
        wrapMode: Text.Wrap
    }
}

import QtQuick
import Runnel

/* That a message is pinned, or how much of it is still in the cache when that is neither all nor nothing. */
Row {
    id: mark

    required property double remembered
    required property bool pinned

    readonly property bool partly: remembered > 0 && remembered < 1

    spacing: Theme.space.xs
    visible: pinned || partly

    Icon {
        anchors.verticalCenter: parent.verticalCenter
        color: Theme.pinned
        height: 13
        name: "pin"
        visible: mark.pinned
        width: 13
    }
    PlainLabel {
        color: mark.pinned ? Theme.pinned : Theme.accent
        font.pixelSize: Theme.type.caption
        font.weight: Font.Medium
        text: mark.pinned ? qsTr("pinned") : qsTr("%1 % remembered").arg(Math.max(1, Math.min(99, Math.round(mark.remembered * 100))))
    }
}

import QtQuick
import Runnel

/* How much of a message is still in the cache, when that is neither all nor nothing. */
PlainLabel {
    required property double remembered

    color: Theme.accent
    font.pixelSize: Theme.type.caption
    font.weight: Font.Medium
    text: qsTr("%1 % remembered").arg(Math.max(1, Math.min(99, Math.round(remembered * 100))))
    visible: remembered > 0 && remembered < 1
}

import QtQuick
import Runnel

/* What the conversation's model was told beforehand. */
PlainLabel {
    color: Theme.quiet
    font.pixelSize: Theme.type.body
    lineHeight: 1.2
    maximumLineCount: 4
    elide: Text.ElideRight
    wrapMode: Text.Wrap
}

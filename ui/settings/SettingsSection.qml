import QtQuick
import Runnel

/* A heading and the settings under it. */
Column {
    id: section

    required property string title

    spacing: Theme.space.l

    PlainLabel {
        Accessible.role: Accessible.Heading
        color: Theme.accent
        font.pixelSize: Theme.type.caption
        font.weight: Font.DemiBold
        text: section.title
    }
}

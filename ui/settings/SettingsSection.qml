import QtQuick
import QtQuick.Layouts

/* A heading and the settings under it. */
ColumnLayout {
    id: section

    required property string title

    Layout.fillWidth: true
    spacing: Theme.space.l

    PlainLabel {
        Accessible.role: Accessible.Heading
        color: Theme.accent
        font.pixelSize: Theme.type.caption
        font.weight: Font.DemiBold
        text: section.title
    }
}

import QtQuick
import Runnel

/* One of a few, with its name and what it means. */
Column {
    id: field

    required property string label
    required property list<string> values
    required property list<string> labels
    property string current: ""
    property string explanation: ""

    signal edited(string value)

    spacing: Theme.space.xs

    PlainLabel {
        font.weight: Font.Medium
        text: field.label
        width: parent.width
        wrapMode: Text.Wrap
    }
    PlainLabel {
        bottomPadding: Theme.space.xs
        color: Theme.quiet
        font.pixelSize: Theme.type.caption
        lineHeight: 1.2
        text: field.explanation
        visible: text.length > 0
        width: parent.width
        wrapMode: Text.Wrap
    }
    SegmentedChoice {
        current: field.current
        label: field.label
        labels: field.labels
        values: field.values
        width: parent.width

        onChosen: value => field.edited(value)
    }
}

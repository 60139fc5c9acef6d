import QtQuick
import QtQuick.Layouts
import Runnel

/* What the colours mean, with the number of tokens of each. */
RowLayout {
    id: legend

    required property CacheViewModel cache

    spacing: Theme.space.xs

    component Entry: Column {
        id: entry

        required property color swatch
        required property string label
        required property double count
        property bool notched: false
        readonly property string figure: Number(count).toLocaleString(Qt.locale(), "f", 0)

        Accessible.name: qsTr("%1: %2 tokens").arg(label).arg(figure)
        Accessible.role: Accessible.StaticText
        Layout.fillWidth: true
        Layout.preferredWidth: 1
        spacing: Theme.space.xs

        Row {
            spacing: 6

            Rectangle {
                anchors.verticalCenter: parent.verticalCenter
                color: entry.swatch
                height: 9
                radius: 2.5
                width: 9

                Rectangle {
                    anchors.centerIn: parent
                    color: Theme.background
                    height: 3
                    radius: 1
                    visible: entry.notched
                    width: 3
                }
            }
            PlainLabel {
                color: Theme.quiet
                font.pixelSize: Theme.type.caption
                text: entry.label
            }
        }
        PlainLabel {
            font.weight: Font.DemiBold
            text: entry.figure
        }
    }

    Entry {
        count: legend.cache.sinks
        label: qsTr("sinks")
        notched: true
        swatch: Theme.sink
    }
    Entry {
        count: legend.cache.pinned
        label: qsTr("pinned")
        notched: true
        swatch: Theme.pinned
    }
    Entry {
        count: legend.cache.window
        label: qsTr("window")
        swatch: Theme.assistant
    }
    Entry {
        count: legend.cache.forgotten
        label: qsTr("forgotten")
        swatch: Theme.forgotten
    }
}

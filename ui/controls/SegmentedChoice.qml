pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import QtQuick.Templates as T
import Runnel

/* One of a few, side by side. `values` are what is chosen from, `labels` what is read. */
RowLayout {
    id: choice

    required property string label
    required property list<string> values
    required property list<string> labels
    property string current: ""

    signal chosen(string value)

    Accessible.name: label
    Accessible.role: Accessible.Grouping
    spacing: 6

    Repeater {
        model: choice.values

        T.Button {
            id: segment

            required property int index
            required property string modelData

            Accessible.name: text
            Accessible.role: Accessible.RadioButton
            Layout.fillWidth: true
            checked: choice.current === modelData
            font.family: Theme.sans
            font.pixelSize: Theme.type.caption
            font.weight: checked ? Font.DemiBold : Font.Medium
            implicitHeight: contentItem.implicitHeight + 14
            implicitWidth: contentItem.implicitWidth + 2 * Theme.space.m
            text: choice.labels[index]

            Keys.onReturnPressed: segment.clicked()
            onClicked: choice.chosen(modelData)

            HoverHandler {
                cursorShape: Qt.PointingHandCursor
            }

            background: Rectangle {
                border.color: Theme.line
                border.width: segment.checked ? 0 : 1
                color: segment.checked ? Theme.accentQuiet : segment.hovered ? Theme.hover : Theme.card
                radius: Theme.radius.s

                FocusRing {
                    shown: segment.visualFocus
                }
            }
            contentItem: PlainLabel {
                color: segment.checked ? Theme.accentOnQuiet : Theme.quiet
                font: segment.font
                horizontalAlignment: Text.AlignHCenter
                text: segment.text
            }
        }
    }
}

import QtQuick
import QtQuick.Layouts
import Runnel

/* One sentence about something that went wrong, until it is dismissed. */
Rectangle {
    id: banner

    required property string text

    signal dismissed

    Accessible.name: text
    Accessible.role: Accessible.AlertMessage
    border.color: Theme.blend(Theme.error, Theme.background, 0.35)
    color: Theme.errorQuiet
    implicitHeight: row.implicitHeight + 2 * Theme.space.s
    radius: Theme.radius.m
    visible: text.length > 0

    RowLayout {
        id: row

        anchors.left: parent.left
        anchors.leftMargin: Theme.space.m
        anchors.right: parent.right
        anchors.rightMargin: Theme.space.xs
        anchors.verticalCenter: parent.verticalCenter
        spacing: Theme.space.m

        Icon {
            Layout.alignment: Qt.AlignTop
            Layout.topMargin: 8
            color: Theme.error
            height: 18
            implicitHeight: 18
            implicitWidth: 18
            name: "alert"
            width: 18
        }
        PlainLabel {
            Layout.fillWidth: true
            lineHeight: 1.2
            text: banner.text
            wrapMode: Text.Wrap
        }
        IconButton {
            Layout.alignment: Qt.AlignTop
            iconName: "close"
            iconSize: 14
            text: qsTr("Dismiss")
            onClicked: banner.dismissed()
        }
    }
}

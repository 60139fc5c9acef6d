pragma ComponentBehavior: Bound

import QtQuick
import Runnel

/* Three dots, while the first word is awaited. */
Row {
    id: dots

    Accessible.name: qsTr("The answer is being prepared")
    Accessible.role: Accessible.Animation
    bottomPadding: Theme.space.xs
    spacing: 5
    topPadding: Theme.space.xs

    Repeater {
        model: 3

        Rectangle {
            id: dot

            required property int index

            color: beat.step % 3 === index ? Theme.accent : Theme.line
            height: 6
            radius: 3
            width: 6
        }
    }
    Timer {
        id: beat

        property int step: 0

        interval: 350
        repeat: true
        running: dots.visible

        onTriggered: ++step
    }
}

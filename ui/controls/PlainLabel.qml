import QtQuick
import Runnel

/* Text from anywhere, shown as it is: never markup, never loading anything. */
Text {
    color: Theme.text
    font.family: Theme.sans
    font.pixelSize: Theme.type.body
    textFormat: Text.PlainText
    verticalAlignment: Text.AlignVCenter
}

import QtQuick
import Runnel

/* An answer as text, until Markdown is shown. */
TextEdit {
    required property bool forgotten
    required property bool streaming

    activeFocusOnPress: false
    color: forgotten ? Theme.forgotten : Theme.text
    font.family: Theme.sans
    font.pixelSize: Theme.type.message
    readOnly: true
    selectByMouse: true
    textFormat: TextEdit.PlainText
    wrapMode: TextEdit.Wrap
}

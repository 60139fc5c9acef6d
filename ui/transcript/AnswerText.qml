import QtQuick
import Runnel

/* An answer as Markdown, in the window's colours; what the model no longer remembers of it is dimmed, up to the block
   that holds its first token in the cache. */
Item {
    id: answer

    required property string text
    required property bool streaming
    required property double remembered

    readonly property bool forgotten: remembered <= 0

    signal linkActivated(string link)

    implicitHeight: view.implicitHeight

    MarkdownView {
        id: view

        accentColor: answer.forgotten ? Theme.forgotten : Theme.accent
        bodyFamily: Theme.sans
        bodySize: Theme.type.message
        caret: true
        codeBackground: Theme.card
        codeFamily: Theme.mono
        lineColor: Theme.line
        quietColor: answer.forgotten ? Theme.forgotten : Theme.quiet
        streaming: answer.streaming
        text: answer.text
        textColor: answer.forgotten ? Theme.forgotten : Theme.text
        width: parent.width

        onLinkActivated: link => answer.linkActivated(link)
    }
    Rectangle {
        color: Theme.background
        height: answer.remembered > 0 && answer.remembered < 1 ? view.blockTop((1 - answer.remembered) * view.height) : 0
        opacity: 0.5
        width: parent.width
    }
}

import QtQuick
import QtQuick.Layouts
import Runnel

/* The middle column: the conversation's title, its messages, and where the next one is written. */
Item {
    id: page

    required property AppController app
    required property bool cacheShown
    required property bool sidebarShown

    readonly property int columnWidth: Math.min(760 * Theme.fontScale, width - 2 * Theme.space.xxl)

    signal cacheToggled
    signal sidebarToggled

    function focusComposer(): void {
        composer.focusText();
    }
    function showMessage(id: real): void {
        transcript.showMessage(id);
    }

    Component.onCompleted: focusComposer()

    ColumnLayout {
        anchors.fill: parent
        spacing: 0

        PageHeader {
            Layout.fillWidth: true
            app: page.app
            cacheShown: page.cacheShown
            sidebarShown: page.sidebarShown

            onCacheToggled: page.cacheToggled()
            onSidebarToggled: page.sidebarToggled()
        }
        Banner {
            Layout.alignment: Qt.AlignHCenter
            Layout.preferredWidth: page.columnWidth
            Layout.topMargin: Theme.space.m
            text: page.app.problem

            onDismissed: page.app.dismissProblem()
        }
        Item {
            Layout.fillHeight: true
            Layout.fillWidth: true

            TranscriptView {
                id: transcript

                anchors.fill: parent
                columnWidth: page.columnWidth
                transcript: page.app.transcript
                visible: page.app.transcript.count > 0

                onContinueAsked: page.app.chat.continueAnswer()
                onLinkActivated: link => linkQuestion.ask(link)
                onMenuAsked: (row, near) => messageMenu.openFor(row, near)
            }
            Loader {
                active: page.app.transcript.count === 0
                anchors.fill: parent
                sourceComponent: page.app.models.ready || page.app.models.loading ? greeting : noModel
            }
        }
        ReadingBar {
            Layout.alignment: Qt.AlignHCenter
            Layout.bottomMargin: Theme.space.s
            Layout.fillWidth: false // which a layout does unless told otherwise
            Layout.preferredWidth: page.columnWidth
            chat: page.app.chat
        }
        Composer {
            id: composer

            Layout.alignment: Qt.AlignHCenter
            Layout.bottomMargin: Theme.space.xl
            Layout.preferredWidth: page.columnWidth
            chat: page.app.chat
            ready: page.app.models.ready

            onPageAsked: step => transcript.page(step)
            onSent: transcript.toEnd()
        }
    }
    LinkQuestion {
        id: linkQuestion
    }
    MessageMenu {
        id: messageMenu

        chat: page.app.chat

        onRemovalAsked: id => removalQuestion.ask(id)
    }
    QuestionDialog {
        id: removalQuestion

        property double messageId: 0

        function ask(id: real): void {
            messageId = id;
            open();
        }

        dangerous: true
        explanation: qsTr("The message and all that follows it are deleted for ever, here and in the model’s memory.")
        title: qsTr("Delete from here?")
        verb: qsTr("Delete")

        onAccepted: page.app.chat.removeFrom(messageId)
    }
    Connections {
        function onEditingChanged(): void {
            if (page.app.chat.editing)
                page.focusComposer();
        }

        target: page.app.chat
    }

    // In Qt 6.4 a Loader can't make bound components, so qmllint does not know that `page` is there.
    // qmllint disable unqualified
    Component {
        id: greeting

        Greeting {
            chat: page.app.chat
        }
    }
    Component {
        id: noModel

        NoModel {
            models: page.app.models
        }
    }
}

pragma ComponentBehavior: Bound

import QtQuick
import Runnel

/* The messages. Follows the end while the reader is there; else stays where the reader put it. */
Item {
    id: view

    required property TranscriptModel transcript
    required property int columnWidth
    readonly property bool following: list.following

    signal continueAsked
    signal linkActivated(string link)
    signal menuAsked(MessageRow row, Item near)

    function toEnd(): void {
        list.following = true;
        list.positionViewAtEnd();
    }
    function page(step: int): void {
        list.scrollBy(step * list.height * 0.9);
    }
    function showMessage(id: real): void {
        const row = transcript.rowOf(id);
        if (row < 0)
            return;
        list.following = false;
        list.positionViewAtIndex(row, ListView.Contain);
        list.following = list.atYEnd;
    }

    ListView {
        id: list

        property bool following: true

        function scrollBy(distance: real): void {
            const last = Math.max(originY, originY + contentHeight - height);
            contentY = Math.max(originY, Math.min(last, contentY + distance));
            following = atEnd();
        }
        function atEnd(): bool {
            return contentY >= originY + contentHeight - height - 2;
        }
        /* What was clicked stays where it is. Once it is folded away the view follows again if the end is in sight. */
        function fold(shown: bool): void {
            following = false;
            settling.looksForEnd = !shown;
        }
        function unfold(row: int, characters: int): void {
            fold(characters > 0);
            view.transcript.unfold(row, characters);
        }
        function showReasoning(row: int, shown: bool): void {
            fold(shown);
            view.transcript.showReasoning(row, shown);
        }
        function stayAtEnd(): void {
            if (following && !moving)
                positionViewAtEnd();
        }

        Accessible.name: qsTr("Messages")
        Accessible.role: Accessible.List
        activeFocusOnTab: true
        anchors.fill: parent
        boundsBehavior: Flickable.StopAtBounds
        cacheBuffer: 600
        clip: true
        model: view.transcript

        Keys.onDownPressed: scrollBy(48)
        Keys.onPressed: event => {
            if (event.key === Qt.Key_PageUp)
                view.page(-1);
            else if (event.key === Qt.Key_PageDown)
                view.page(1);
            else if (event.key === Qt.Key_Home)
                scrollBy(-contentHeight);
            else if (event.key === Qt.Key_End)
                view.toEnd();
            else
                return;
            event.accepted = true;
        }
        Keys.onUpPressed: scrollBy(-48)
        onContentHeightChanged: settling.restart()
        onContentYChanged: if (moving || bar.pressed)
            following = atEnd()
        onHeightChanged: settling.restart()
        onMovementEnded: following = atEnd()

        SlimScrollBar.vertical: SlimScrollBar {
            id: bar
        }
        delegate: MessageRow {
            id: row

            columnWidth: view.columnWidth
            firstRemembered: view.transcript.firstRemembered
            last: index === list.count - 1
            width: list.width

            onContinueAsked: view.continueAsked()
            onFoldToggled: unfolded => list.unfold(index, unfolded)
            onLinkActivated: link => view.linkActivated(link)
            onMenuAsked: near => view.menuAsked(row, near)
            onReasoningToggled: shown => list.showReasoning(index, shown)
        }
    }
    // Heights change several times while the view lays itself out: once afterwards is enough.
    Timer {
        id: settling

        property bool looksForEnd

        interval: 0

        onTriggered: {
            if (looksForEnd)
                list.following = list.atEnd();
            looksForEnd = false;
            list.stayAtEnd();
        }
    }
    Connections {
        function onModelReset(): void {
            view.toEnd();
        }

        target: view.transcript
    }
    IconButton {
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.space.m
        anchors.horizontalCenter: parent.horizontalCenter
        iconName: "arrow-down"
        lined: true
        text: qsTr("Go to the end")
        visible: !list.following && !list.atYEnd
        onClicked: view.toEnd()
    }
}

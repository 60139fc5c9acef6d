import QtQuick
import QtQuick.Controls.Basic
import Runnel

/* The window: conversations on the left, the transcript in the middle, the cache on the right. */
ApplicationWindow {
    id: window

    required property AppController app

    /* The cache has a column of its own only where the transcript keeps enough room; else it lies above it. */
    readonly property bool wide: width >= 1120
    property bool cacheWanted: true
    property bool cacheOverlaid: false
    property bool sidebarWanted: true
    readonly property bool cacheShown: wide ? cacheWanted : cacheOverlaid

    function toggleCache(): void {
        if (wide)
            cacheWanted = !cacheWanted;
        else
            cacheOverlaid = !cacheOverlaid;
    }
    function openSettings(): void {
        settingsPanel.open();
    }
    function closeSettings(): void {
        settingsPanel.close();
    }

    color: Theme.background
    height: 900
    minimumHeight: 480
    minimumWidth: 720
    title: app.currentTitle.length > 0 ? qsTr("%1 – Runnel").arg(app.currentTitle) : qsTr("Runnel")
    width: 1440

    Component.onCompleted: if (app.damage.length > 0)
        damageQuestion.open()
    onWideChanged: cacheOverlaid = false

    Binding {
        property: "dark"
        target: Theme
        value: window.app.dark
    }
    Binding {
        property: "fontScale"
        target: Theme
        value: window.app.settings.fontScale
    }

    Sidebar {
        id: sidebar

        anchors.bottom: parent.bottom
        anchors.left: parent.left
        anchors.top: parent.top
        app: window.app
        visible: window.sidebarWanted
        width: visible ? 264 : 0

        onSettingsAsked: window.openSettings()
    }
    TranscriptPage {
        id: page

        anchors.bottom: parent.bottom
        anchors.left: sidebar.right
        anchors.right: window.wide && cachePanel.visible ? cachePanel.left : parent.right
        anchors.top: parent.top
        app: window.app
        cacheShown: window.cacheShown
        sidebarShown: window.sidebarWanted

        onCacheToggled: window.toggleCache()
        onSidebarToggled: window.sidebarWanted = !window.sidebarWanted
    }
    CachePanel {
        id: cachePanel

        anchors.bottom: parent.bottom
        anchors.right: parent.right
        anchors.top: parent.top
        cache: window.app.cache
        visible: window.cacheShown
        width: 372

        onClosed: window.toggleCache()
        onMessageAsked: id => page.showMessage(id)
        onSettingsAsked: window.openSettings()
    }
    SettingsPanel {
        id: settingsPanel

        settings: window.app.settings

        onClosed: page.focusComposer()
    }
    QuestionDialog {
        id: damageQuestion

        explanation: qsTr("%1\n\nRunnel can keep the damaged file under another name and begin with an empty list.").arg(window.app.damage)
        title: qsTr("The conversations can’t be read")
        verb: qsTr("Begin anew")

        onAccepted: window.app.replaceDamagedStore()
    }
    Shortcuts {
        stoppable: window.app.chat.busy && !settingsPanel.opened

        onCacheToggled: window.toggleCache()
        onConversationAsked: step => window.app.openNeighbour(step)
        onFilterAsked: {
            window.sidebarWanted = true;
            sidebar.focusFilter();
        }
        onNewAsked: {
            window.app.newConversation();
            page.focusComposer();
        }
        onQuitAsked: window.close()
        onScaleAsked: step => window.app.settings.fontScale = step === 0 ? 1 : window.app.settings.fontScale + step * 0.125
        onSettingsAsked: settingsPanel.opened ? settingsPanel.close() : settingsPanel.open()
        onSidebarToggled: window.sidebarWanted = !window.sidebarWanted
        onStopAsked: window.app.chat.stop()
    }
    DropArea {
        anchors.fill: parent
        keys: ["text/uri-list"]

        onDropped: drop => {
            if (drop.hasUrls)
                window.app.models.loadUrl(drop.urls[0]);
        }
    }
}

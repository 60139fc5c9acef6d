import QtQuick
import Runnel

/* The keys that work anywhere in the window. */
Item {
    id: keys

    required property bool stoppable

    signal newAsked
    signal filterAsked
    signal settingsAsked
    signal cacheToggled
    signal sidebarToggled
    signal stopAsked
    signal quitAsked
    signal conversationAsked(int step)
    signal scaleAsked(int step)

    Shortcut {
        sequences: ["Ctrl+N"]

        onActivated: keys.newAsked()
    }
    Shortcut {
        sequences: ["Ctrl+K", "Ctrl+F"]

        onActivated: keys.filterAsked()
    }
    Shortcut {
        sequences: ["Ctrl+,"]

        onActivated: keys.settingsAsked()
    }
    Shortcut {
        sequences: ["Ctrl+B"]

        onActivated: keys.cacheToggled()
    }
    Shortcut {
        sequences: ["F9"]

        onActivated: keys.sidebarToggled()
    }
    Shortcut {
        // Without something to stop, Escape belongs to whatever is open.
        enabled: keys.stoppable
        sequences: ["Escape"]

        onActivated: keys.stopAsked()
    }
    Shortcut {
        sequences: ["Ctrl+Q"]

        onActivated: keys.quitAsked()
    }
    Shortcut {
        sequences: ["Ctrl+PgDown", "Ctrl+Tab"]

        onActivated: keys.conversationAsked(1)
    }
    Shortcut {
        sequences: ["Ctrl+PgUp", "Ctrl+Shift+Tab"]

        onActivated: keys.conversationAsked(-1)
    }
    Shortcut {
        sequences: ["Ctrl++", "Ctrl+="]

        onActivated: keys.scaleAsked(1)
    }
    Shortcut {
        sequences: ["Ctrl+-"]

        onActivated: keys.scaleAsked(-1)
    }
    Shortcut {
        sequences: ["Ctrl+0"]

        onActivated: keys.scaleAsked(0)
    }
}

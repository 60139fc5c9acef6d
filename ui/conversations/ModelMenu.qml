pragma ComponentBehavior: Bound

import QtQml.Models
import QtQuick
import QtQuick.Dialogs
import Runnel

/* The models in the library, the way to others, and the way to keep the one that answers as a file. */
PopupMenu {
    id: menu

    required property ModelPicker models
    property bool savable: false

    signal saveAsked

    function openFile(): void {
        fileDialog.open();
    }
    function openFolder(): void {
        folderDialog.open();
    }

    Instantiator {
        model: menu.models

        PopupMenuItem {
            required property bool current
            required property string name
            required property string path
            required property string problem
            required property string size

            // Of themselves alone: an item that is taken from the menu is still there when `menu` is out of its reach.
            detail: problem || size
            detailLines: 3
            dimmed: problem.length > 0
            iconName: current ? "check" : dimmed ? "alert" : "model"
            text: name
            onTriggered: menu.models.choose(path)
        }

        onObjectAdded: (index, object) => menu.insertItem(index, object as PopupMenuItem)
        onObjectRemoved: (index, object) => menu.removeItem(object as PopupMenuItem)
    }
    PopupMenuLine {
        visible: menu.models.rowCount() > 0
    }
    PopupMenuItem {
        iconName: "file"
        text: qsTr("Open a file …")
        onTriggered: menu.openFile()
    }
    PopupMenuItem {
        iconName: "folder"
        text: qsTr("Open a folder …")
        onTriggered: menu.openFolder()
    }
    PopupMenuItem {
        iconName: "save"
        text: qsTr("Save as GGUF …")
        visible: menu.savable
        onTriggered: menu.saveAsked()
    }
    FileDialog {
        id: fileDialog

        nameFilters: [qsTr("Models (*.gguf)"), qsTr("All files (*)")]
        title: qsTr("Open a model")

        onAccepted: menu.models.loadUrl(selectedFile)
    }
    FolderDialog {
        id: folderDialog

        title: qsTr("Open a model’s folder")

        onAccepted: menu.models.loadUrl(selectedFolder)
    }
}

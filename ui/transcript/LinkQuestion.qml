import QtQuick
import Runnel

/* Asks before a link of a message is opened, showing where it really leads. */
QuestionDialog {
    id: question

    property string link: ""

    function ask(address: string): void {
        const isWeb = /^(https?|mailto):/i.test(address);
        link = isWeb ? address : "";
        explanation = address;
        verb = isWeb ? qsTr("Open") : qsTr("Copy");
        open();
    }

    title: qsTr("Open this link?")

    onAccepted: {
        if (link.length > 0)
            Qt.openUrlExternally(link);
        else
            Clipboard.copy(explanation);
    }
}

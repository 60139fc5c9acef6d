import QtQuick

/* How a message looks: what the window's theme says, in the form that its blocks need. */
QtObject {
    required property color textColor
    required property color quietColor
    required property color accentColor
    required property color codeBackground
    required property color lineColor
    required property int bodySize
    required property string bodyFamily
    required property string codeFamily

    readonly property int indent: Math.round(bodySize * 1.6)
    readonly property int gap: Math.round(bodySize * 0.8)

    // Colours and families come from the theme and the settings, never from a message.
    readonly property string sheet: "<style>" + "code{font-family:'" + codeFamily.replace(/[^\w \-]/g, "") + "';background-color:" + codeBackground + "}" + "a{color:" + accentColor + "}" + "th,td{padding:6px 12px}" + "th{font-weight:600}" + "</style>"

    function document(rich: string): string {
        return sheet + "<div style=\"white-space:pre-wrap;line-height:140%\">" + rich + "</div>";
    }
}

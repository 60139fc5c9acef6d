pragma Singleton
import QtQuick

/* The design tokens: colours for dark and light, type scaled by the user's font size, spaces, radii. `dark` and
   `fontScale` are set by the window; everything visible follows. */
QtObject {
    id: theme

    property bool dark: true
    property real fontScale: 1

    readonly property color background: dark ? "#0E1116" : "#FBFBFA"
    readonly property color sidebar: dark ? "#12161D" : "#F3F4F3"
    readonly property color card: dark ? "#171C25" : "#FFFFFF"
    readonly property color line: dark ? "#232A36" : "#E2E5E4"
    readonly property color text: dark ? "#E6EAF2" : "#1B2229"
    readonly property color quiet: dark ? "#8B95A7" : "#5E6B78"
    readonly property color forgotten: dark ? "#7A869A" : "#68727D"
    readonly property color forgottenOnBubble: dark ? "#848FA2" : "#606A75"

    readonly property color accent: dark ? "#4FB6A8" : "#0E7C6F"
    readonly property color accentQuiet: dark ? "#123A37" : "#D9F0EC"
    readonly property color accentOnQuiet: dark ? "#4FB6A8" : "#0B665B"
    readonly property color accentText: dark ? "#0B1413" : "#FFFFFF"
    readonly property color sink: dark ? "#F2B84B" : "#C98208"
    readonly property color sinkText: dark ? "#F2B84B" : "#8F5B00"
    readonly property color pinned: dark ? "#B58CF5" : "#7B4FD0"
    readonly property color user: dark ? "#A8D4FF" : "#4C93DB"
    readonly property color assistant: accent
    readonly property color system: dark ? "#5C6A84" : "#3A4653"
    readonly property color error: dark ? "#F26D5B" : "#C8402C"
    readonly property color errorQuiet: dark ? "#2B1A1C" : "#FBEAE6"

    readonly property color bubble: dark ? "#1B2534" : "#E8F0FA"
    readonly property color hover: dark ? "#1A212B" : "#EAECEA"
    readonly property color pressed: dark ? "#222B37" : "#DFE3E0"
    readonly property color freeCell: dark ? "#1C222C" : "#E7EAE9"
    readonly property color focus: dark ? "#7FD6CA" : "#0B6A5F"
    readonly property color dim: dark ? "#A6070A0E" : "#66202A31"

    readonly property string sans: "Inter"
    readonly property string mono: "JetBrains Mono"

    component TypeScale: QtObject {
        required property real scale
        readonly property int caption: Math.round(11 * scale)
        readonly property int body: Math.round(13 * scale)
        readonly property int message: Math.round(15 * scale)
        readonly property int title: Math.round(17 * scale)
        readonly property int figure: Math.round(26 * scale)
    }
    component Spaces: QtObject {
        readonly property int xs: 4
        readonly property int s: 8
        readonly property int m: 12
        readonly property int l: 16
        readonly property int xl: 24
        readonly property int xxl: 32
    }
    component Radii: QtObject {
        readonly property int s: 8
        readonly property int m: 10
        readonly property int l: 14
    }

    readonly property TypeScale type: TypeScale {
        scale: theme.fontScale
    }
    readonly property Spaces space: Spaces {
    }
    readonly property Radii radius: Radii {
    }

    /* `front` laid over `back` with the given opacity: a solid colour, since group opacity shows overlaps. */
    function blend(front: color, back: color, amount: real): color {
        return Qt.rgba(back.r + (front.r - back.r) * amount, back.g + (front.g - back.g) * amount, back.b + (front.b - back.b) * amount, 1);
    }
}

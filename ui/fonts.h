#pragma once

namespace runnel::ui {

/** Makes Inter the application's font and lets emoji in it and in JetBrains Mono come in colour. Before QML is loaded.
 */
void prepareFonts();

}  // namespace runnel::ui

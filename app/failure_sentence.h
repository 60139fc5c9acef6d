#pragma once

#include <QString>

namespace runnel::app {

/** The exception that is being handled, as a sentence for the user. Call it in a catch block. */
QString failureSentence();

}  // namespace runnel::app

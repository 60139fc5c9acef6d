#pragma once

#include "chat/jinja/value.h"

namespace runnel::jinja {

struct JsonStyle {
  bool ascii = false;          ///< characters beyond ASCII as \u escapes
  bool sorted = false;         ///< keys in order
  std::string indent;          ///< of one level
  bool line_breaks = false;    ///< each entry on its own line
  std::string between = ", ";  ///< entries
  std::string after_key = ": ";
};

/// `value` as json.dumps of Python writes it. Characters keep their origin, also as escapes. Throws Fault for what
/// JSON can't express.
Text to_json(Context& context, const Value& value, const JsonStyle& style);

}  // namespace runnel::jinja

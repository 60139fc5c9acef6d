#pragma once

#include <string>
#include <string_view>

namespace runnel {

/// `text` in Unicode's normalization form C. What is not UTF-8 stays as it is. A stretch of UTF-8 with more than 256
/// combining marks in a row, which no script has, stays as it is too, so that the time is linear.
std::string to_nfc(std::string_view text);

}  // namespace runnel

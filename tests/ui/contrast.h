#pragma once

#include <QColor>

#include <algorithm>
#include <cmath>

namespace runnel::ui {

/** Relative luminance, WCAG 2.1. */
inline double luminance(const QColor& color) {
  const auto linear = [](double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

/** Contrast ratio of two colours, 1 … 21 (WCAG 2.1). */
inline double contrast(const QColor& a, const QColor& b) {
  const double first = luminance(a);
  const double second = luminance(b);
  return (std::max(first, second) + 0.05) / (std::min(first, second) + 0.05);
}

}  // namespace runnel::ui

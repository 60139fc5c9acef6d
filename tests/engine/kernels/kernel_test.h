#pragma once

#include <QTest>
#include <cmath>
#include <cstddef>
#include <random>
#include <string_view>
#include <vector>

#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "runnel/error.h"

namespace runnel {

/// The kernels of every level that this machine has; the scalar ones, which define the others, come first.
inline std::vector<const Kernels*> all_levels() {
  std::vector<const Kernels*> levels;
  for (const std::string_view name : {"scalar", "avx2", "avx2-vnni", "avx512", "avx512-vnni"}) {
    try {
      levels.push_back(&kernels_for(isa_from(name)));
    } catch (const Error&) {
      // this machine can't run it
    }
  }
  return levels;
}

/// A column "kernels" with a row for each level.
inline void level_rows() {
  QTest::addColumn<const Kernels*>("kernels");
  for (const Kernels* kernels : all_levels()) QTest::newRow(std::string(name_of(kernels->isa)).c_str()) << kernels;
}

inline std::vector<float> random_floats(std::size_t n, std::mt19937& random, float deviation = 1) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(n);
  for (float& x : values) x = normal(random);
  return values;
}

inline bool near(double value, double expected, double tolerance) {
  return std::isfinite(value) && std::abs(value - expected) <= tolerance;
}

}  // namespace runnel

Q_DECLARE_METATYPE(const runnel::Kernels*)

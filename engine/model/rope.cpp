#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace runnel {
namespace {

double llama3(const RopeConfig& config, double frequency) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double turns = config.original_context / wavelength;
  if (turns < config.low_frequency) return frequency / config.factor;
  if (turns > config.high_frequency) return frequency;
  const double smooth = (turns - config.low_frequency) / (config.high_frequency - config.low_frequency);
  return (1 - smooth) * frequency / config.factor + smooth * frequency;
}

// The dimension pair that turns `rotations` times within the original context (yarn, eq. 17 solved for the dimension).
double yarn_dimension(const RopeConfig& config, double rotations) {
  return config.dimensions * std::log(config.original_context / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(config.base));
}

double yarn(const RopeConfig& config, int pair, double frequency) {
  double low = yarn_dimension(config, config.beta_fast);
  double high = yarn_dimension(config, config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, config.dimensions - 1.0);
  if (low == high) high += 0.001;
  const double stretched = std::clamp((pair - low) / (high - low), 0.0, 1.0);
  return frequency / config.factor * stretched + frequency * (1 - stretched);
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& config, std::span<const float> divisors) {
  std::vector<double> frequencies(static_cast<std::size_t>(config.dimensions / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double frequency = std::pow(config.base, -2.0 * static_cast<double>(i) / config.dimensions);
    if (!divisors.empty()) {
      frequencies[i] = frequency / divisors[i];
      continue;
    }
    switch (config.scaling) {
      case RopeScaling::none:
        frequencies[i] = frequency;
        break;
      case RopeScaling::linear:
        frequencies[i] = frequency / config.factor;
        break;
      case RopeScaling::llama3:
        frequencies[i] = llama3(config, frequency);
        break;
      case RopeScaling::yarn:
        frequencies[i] = yarn(config, static_cast<int>(i), frequency);
        break;
    }
  }
  return frequencies;
}

double rope_amplitude(const RopeConfig& config) {
  if (config.scaling != RopeScaling::yarn) return 1;
  if (config.attention_factor > 0) return config.attention_factor;
  return config.factor > 1 ? 0.1 * std::log(config.factor) + 1 : 1;
}

RotationRows RotationTable::rows(std::span<const std::int64_t> positions, ThreadPool& pool) {
  const std::size_t pairs = frequencies_.size();
  cos_.reserve(positions.size() * pairs);
  sin_.reserve(positions.size() * pairs);
  constexpr std::size_t rows_per_chunk = 16;
  const std::size_t chunks = (positions.size() + rows_per_chunk - 1) / rows_per_chunk;
  pool.run(chunks, [&](std::size_t chunk, int) {
    const std::size_t end = std::min(positions.size(), (chunk + 1) * rows_per_chunk);
    for (std::size_t row = chunk * rows_per_chunk; row < end; ++row) {
      for (std::size_t i = 0; i < pairs; ++i) {
        const double angle = std::fmod(static_cast<double>(positions[row]) * frequencies_[i], 2 * std::numbers::pi);
        cos_[row * pairs + i] = static_cast<float>(std::cos(angle) * amplitude_);
        sin_[row * pairs + i] = static_cast<float>(std::sin(angle) * amplitude_);
      }
    }
  });
  return {.cos = cos_.data(), .sin = sin_.data(), .pairs = static_cast<int>(pairs)};
}

}  // namespace runnel

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

// The base that keeps the slowest dimension within the original context's angles (dynamic NTK), as transformers
// computes it or in the steps of Qwen 1.
double dynamic_base(const RopeConfig& config, int ctx_size) {
  if (ctx_size <= config.original_context) return config.base;
  const double times = static_cast<double>(ctx_size) / config.original_context;
  const double stretch = config.scaling == RopeScaling::dynamic ? config.factor * times - (config.factor - 1)
                                                                : std::exp2(std::ceil(std::log2(times) + 1)) - 1;
  return config.base * std::pow(stretch, config.dimensions / (config.dimensions - 2.0));
}

double scaled(const RopeConfig& config, int pair, double frequency) {
  switch (config.scaling) {
    case RopeScaling::linear:
      return frequency / config.factor;
    case RopeScaling::llama3:
      return llama3(config, frequency);
    case RopeScaling::yarn:
      return yarn(config, pair, frequency);
    case RopeScaling::none:
    case RopeScaling::longrope:  // by divisors
    case RopeScaling::dynamic:   // by the base
    case RopeScaling::dynamic_steps:
      return frequency;
  }
  return frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& config, int ctx_size) {
  const bool is_long = config.scaling == RopeScaling::longrope && ctx_size > config.original_context;
  const std::vector<float>& divisors = is_long ? config.long_divisors : config.divisors;
  const bool is_dynamic = config.scaling == RopeScaling::dynamic || config.scaling == RopeScaling::dynamic_steps;
  const double base = is_dynamic ? dynamic_base(config, ctx_size) : config.base;
  std::vector<double> frequencies(static_cast<std::size_t>(config.dimensions / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double frequency = std::pow(base, -2.0 * static_cast<double>(i) / config.dimensions);
    frequencies[i] = divisors.empty() ? scaled(config, static_cast<int>(i), frequency) : frequency / divisors[i];
  }
  return frequencies;
}

int context_after_scaling(const RopeConfig& config, int stated) {
  constexpr double most = 1 << 28;
  if (config.scaling != RopeScaling::yarn || stated <= 0) return stated;
  return std::max(stated, static_cast<int>(std::min(most, config.factor * config.original_context)));
}

bool rotates_alike(const Config& config, int ctx_size, int other_ctx_size) {
  return std::all_of(config.ropes.begin(), config.ropes.end(), [&](const RopeConfig& rope) {
    return rope_frequencies(rope, ctx_size) == rope_frequencies(rope, other_ctx_size);
  });
}

double rope_amplitude(const RopeConfig& config) {
  const bool sharpens = config.scaling == RopeScaling::yarn || config.scaling == RopeScaling::longrope;
  if (!sharpens) return 1;
  if (config.attention_factor > 0) return config.attention_factor;
  if (config.factor <= 1) return 1;
  if (config.scaling == RopeScaling::yarn) return 0.1 * std::log(config.factor) + 1;
  return config.original_context > 1 ? std::sqrt(1 + std::log(config.factor) / std::log(config.original_context)) : 1;
}

RotationRows RotationTable::rows(std::span<const std::int64_t> positions, ThreadPool& pool) {
  const std::size_t pairs = frequencies_.size();
  if (positions.size() * pairs > cos_.size()) {
    present_.clear();
    present_.reserve(positions.size());
    cos_.resize(positions.size() * pairs);
    sin_.resize(positions.size() * pairs);
  }
  constexpr std::size_t rows_per_chunk = 16;
  const std::size_t chunks = (positions.size() + rows_per_chunk - 1) / rows_per_chunk;
  pool.run(chunks, [&](std::size_t chunk, int) {
    const std::size_t end = std::min(positions.size(), (chunk + 1) * rows_per_chunk);
    for (std::size_t row = chunk * rows_per_chunk; row < end; ++row) {
      if (row < present_.size() && present_[row] == positions[row]) continue;
      for (std::size_t i = 0; i < pairs; ++i) {
        const double angle = std::fmod(static_cast<double>(positions[row]) * frequencies_[i], 2 * std::numbers::pi);
        cos_[row * pairs + i] = static_cast<float>(std::cos(angle) * amplitude_);
        sin_[row * pairs + i] = static_cast<float>(std::sin(angle) * amplitude_);
      }
    }
  });
  present_.assign(positions.begin(), positions.end());
  return {.cos = cos_.data(), .sin = sin_.data(), .pairs = static_cast<int>(pairs)};
}

}  // namespace runnel

// How fast this machine reads memory: what bounds the decoding of a model that no cache holds.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t words = 600'000'000 / sizeof(std::uint64_t);  // of each thread: more than any cache holds

std::uint64_t sum(const std::vector<std::uint64_t>& memory) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= memory.size(); i += 8) {
    for (std::size_t j = 0; j < 8; ++j) sums[j] += memory[i + j];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t one : sums) all += one;
  return all;
}

double gigabytes_per_second(const std::vector<std::vector<std::uint64_t>>& memories) {
  std::vector<std::uint64_t> sums(memories.size());
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < memories.size(); ++i) threads.emplace_back([&, i] { sums[i] = sum(memories[i]); });
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (std::ranges::count(sums, 0U) > 0) std::abort();  // the sums must be computed
  return static_cast<double>(memories.size() * words * sizeof(std::uint64_t)) / seconds / 1e9;
}

}  // namespace

/// Usage: bench_bandwidth THREADS. Prints GB/s, the best of ten times.
int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
  const std::vector<std::vector<std::uint64_t>> memories(static_cast<std::size_t>(threads),
                                                         std::vector<std::uint64_t>(words, 1));
  double best = 0;
  for (int i = 0; i < 10; ++i) best = std::max(best, gigabytes_per_second(memories));
  fmt::print("{:.2f}\n", best);
}

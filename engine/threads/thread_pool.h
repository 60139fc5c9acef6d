#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace runnel {

/// The threads that compute. The caller of `run` is one of them, so a pool of size 1 starts no thread.
/// Workers spin briefly for the next job, since decoding hands out hundreds a token, and then sleep. On a busy machine
/// nobody waits for a worker that the system has not let run yet: the others take its share.
/// Only one thread may call `run` at a time; jobs don't nest.
class ThreadPool {
 public:
  /// `threads` at least 1. Throws Error when the system refuses to start as many.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls `job(chunk, thread)` once for each chunk in [0, chunks); thread in [0, size()). Each thread begins with a
  /// contiguous share of its own and then takes chunks from slower neighbours: which thread computes a chunk varies,
  /// and a thread may come too late for any; what a chunk computes does not vary. Returns when all are done. When `job`
  /// throws, chunks that nobody has begun are left out, and the first exception is thrown here once no thread is at
  /// work any more; the pool stays usable.
  template <typename Job>
  void run(std::size_t chunks, Job&& job) {
    using Callable = std::remove_reference_t<Job>;
    run_erased(
        chunks, [](void* self, std::size_t chunk, int thread) { (*static_cast<Callable*>(self))(chunk, thread); },
        const_cast<void*>(static_cast<const void*>(&job)));
  }

 private:
  using Erased = void (*)(void* self, std::size_t chunk, int thread);

  struct alignas(64) Share {
    std::atomic<std::size_t> next{0};
    std::size_t end = 0;
  };

  void run_erased(std::size_t chunks, Erased function, void* self);
  void stop();
  void work(int thread);
  std::uint32_t state_after(std::uint32_t job) const;
  bool join_job(std::uint32_t& state);
  void take_chunks(int thread);
  void give_up(std::exception_ptr failure);

  std::vector<std::thread> workers_;
  std::unique_ptr<Share[]> shares_;
  Erased function_ = nullptr;
  void* self_ = nullptr;
  /// How many workers are at the present job, whether more may join it, and its number: who waits, waits for another.
  alignas(64) std::atomic<std::uint32_t> state_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  ///< of the present job; written by the thread that sets `failed_`
};

}  // namespace runnel

#include "threads/thread_pool.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "runnel/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace runnel {
namespace {

// About 50 µs: longer than the gaps between the operations of one token, far shorter than those between tokens of a
// reader's pace.
constexpr int spins_before_sleep = 2000;

constexpr int spins_before_yield = 4000;

// Parts of the state: how many are at work, whether more may join, and the number of the job.
constexpr std::uint32_t one_worker = 1;
constexpr std::uint32_t open = 1U << 12U;
constexpr std::uint32_t at_work = open - 1;
constexpr std::uint32_t one_job = open << 1U;
constexpr std::uint32_t stopped = ~0U;  // as many are never at work

constexpr std::uint32_t job_of(std::uint32_t state) {
  return state / one_job;
}

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : shares_(std::make_unique<Share[]>(static_cast<std::size_t>(std::max(threads, 1)))) {
  try {
    for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
  } catch (const std::system_error& error) {
    const int started = size();
    stop();
    throw Error("The system lets " + std::to_string(started) + " of " + std::to_string(threads) +
                    " threads start; choose a smaller number of threads.",
                error.what());
  }
}

ThreadPool::~ThreadPool() {
  stop();
}

void ThreadPool::stop() {
  state_.store(stopped);
  state_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::run_erased(std::size_t chunks, Erased function, void* self) {
  if (workers_.empty() || chunks < 2) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) function(self, chunk, 0);
    return;
  }
  const auto threads = static_cast<std::size_t>(size());
  for (std::size_t thread = 0; thread < threads; ++thread) {
    shares_[thread].next.store(chunks * thread / threads, std::memory_order_relaxed);
    shares_[thread].end = chunks * (thread + 1) / threads;
  }
  function_ = function;
  self_ = self;
  // Nobody is at work: all that happens to the state meanwhile is that workers read it.
  state_.store((state_.load(std::memory_order_relaxed) + one_job) | open, std::memory_order_release);
  state_.notify_all();
  take_chunks(0);
  state_.fetch_and(~open, std::memory_order_relaxed);
  // On a busy machine a worker may be waiting for this very processor.
  for (int spin = 0; (state_.load(std::memory_order_acquire) & at_work) != 0; ++spin) {
    if (spin < spins_before_yield) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void ThreadPool::work(int thread) {
  std::uint32_t job = 0;
  while (true) {
    std::uint32_t state = state_after(job);
    const bool is_in = join_job(state);
    if (state == stopped) return;
    job = job_of(state);
    if (!is_in) continue;
    take_chunks(thread);
    state_.fetch_sub(one_worker, std::memory_order_release);
  }
}

// Waits for another job than `job`. Numbers come round again, so that one may be missed: the others do it.
std::uint32_t ThreadPool::state_after(std::uint32_t job) const {
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  for (int spin = 0; spin < spins_before_sleep && job_of(state) == job; ++spin) {
    pause();
    state = state_.load(std::memory_order_relaxed);
  }
  while (job_of(state) == job && state != stopped) {
    state_.wait(state, std::memory_order_relaxed);
    state = state_.load(std::memory_order_relaxed);
  }
  return state;
}

// Whether there was still a job to join; `state` becomes the one that told so.
bool ThreadPool::join_job(std::uint32_t& state) {
  while ((state & open) != 0 && state != stopped) {
    if (state_.compare_exchange_weak(state, state + one_worker, std::memory_order_acquire, std::memory_order_relaxed))
      return true;
  }
  return false;
}

void ThreadPool::take_chunks(int thread) {
  const int threads = size();
  try {
    for (int i = 0; i < threads; ++i) {
      Share& share = shares_[static_cast<std::size_t>((thread + i) % threads)];
      while (true) {
        const std::size_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= share.end) break;
        function_(self_, chunk, thread);
      }
    }
  } catch (...) {
    give_up(std::current_exception());
  }
}

void ThreadPool::give_up(std::exception_ptr failure) {
  if (!failed_.exchange(true, std::memory_order_relaxed)) failure_ = std::move(failure);
  for (int thread = 0; thread < size(); ++thread) {
    Share& share = shares_[static_cast<std::size_t>(thread)];
    share.next.store(share.end, std::memory_order_relaxed);
  }
}

}  // namespace runnel

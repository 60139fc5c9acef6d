#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <QTest>
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include "engine/format/temporary_folder.h"
#include "threads/thread_pool.h"

using namespace runnel;

namespace {

int held[2];      // pipe: a thread is in the signal's handler
int released[2];  // pipe: it may leave

}  // namespace

class ThreadPoolTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void runs_each_chunk_once_data();
  void runs_each_chunk_once();
  void runs_many_jobs_in_a_row();
  void a_pool_of_one_is_the_caller();
  void what_workers_wrote_is_seen_by_the_caller();
  void chunks_of_a_slow_thread_are_taken_by_others();
  void nobody_waits_for_a_worker_that_never_begins();
  void ends_while_idle_or_asleep();
  void serves_one_caller_after_another();
  void a_refused_thread_is_an_error();
  void what_a_job_throws_reaches_the_caller_data();
  void what_a_job_throws_reaches_the_caller();
  void after_a_failure_no_chunk_begins();
};

void ThreadPoolTest::runs_each_chunk_once_data() {
  QTest::addColumn<int>("threads");
  for (const int threads : {1, 2, 3, 4}) QTest::addRow("%d threads", threads) << threads;
}

void ThreadPoolTest::runs_each_chunk_once() {
  QFETCH(int, threads);
  ThreadPool pool(threads);
  QCOMPARE(pool.size(), threads);
  for (const std::size_t chunks : {0U, 1U, 2U, 3U, 4U, 5U, 7U, 64U, 1000U}) {
    std::vector<std::atomic<int>> runs(chunks);
    std::atomic<bool> thread_in_range{true};
    pool.run(chunks, [&](std::size_t chunk, int thread) {
      ++runs[chunk];
      if (thread < 0 || thread >= threads) thread_in_range = false;
    });
    QVERIFY(std::all_of(runs.begin(), runs.end(), [](const std::atomic<int>& count) { return count == 1; }));
    QVERIFY(thread_in_range);
  }
}

void ThreadPoolTest::runs_many_jobs_in_a_row() {
  ThreadPool pool(4);
  std::atomic<std::size_t> sum{0};
  std::size_t expected = 0;
  for (std::size_t job = 0; job < 5000; ++job) {
    const std::size_t chunks = job % 9;
    pool.run(chunks, [&sum, job](std::size_t chunk, int) { sum += job + chunk; });
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) expected += job + chunk;
    QCOMPARE(sum.load(), expected);  // all chunks are done when run returns
  }
}

void ThreadPoolTest::a_pool_of_one_is_the_caller() {
  ThreadPool pool(1);
  std::vector<std::size_t> order;
  const std::thread::id caller = std::this_thread::get_id();
  pool.run(3, [&](std::size_t chunk, int thread) {
    QCOMPARE(thread, 0);
    QVERIFY(std::this_thread::get_id() == caller);
    order.push_back(chunk);
  });
  QCOMPARE(order, (std::vector<std::size_t>{0, 1, 2}));
}

void ThreadPoolTest::what_workers_wrote_is_seen_by_the_caller() {
  ThreadPool pool(3);
  std::vector<std::size_t> values(100, 0);  // plain memory, so that a missing fence is a race
  for (std::size_t job = 1; job < 500; ++job) {
    pool.run(values.size(), [&](std::size_t chunk, int) { values[chunk] += chunk; });
    QCOMPARE(values[99], 99 * job);
  }
}

// The first chunk of the caller's share ends only when all others have run: the worker must take the rest of the share.
void ThreadPoolTest::chunks_of_a_slow_thread_are_taken_by_others() {
  ThreadPool pool(2);
  constexpr int chunks = 10;
  std::atomic<int> others{0};
  pool.run(chunks, [&others](std::size_t chunk, int) {
    if (chunk == 0) {
      while (others < chunks - 1) std::this_thread::yield();
    } else {
      ++others;
    }
  });
  QCOMPARE(others.load(), chunks - 1);
}

// A signal keeps the worker where the system would keep it on a busy machine: outside of any job.
void ThreadPoolTest::nobody_waits_for_a_worker_that_never_begins() {
#if defined(__SANITIZE_THREAD__)
  QSKIP("ThreadSanitizer holds signals back");
#endif
  ThreadPool pool(2);
  std::atomic<pthread_t> worker{};
  pool.run(2, [&worker](std::size_t, int thread) {
    if (thread == 1) worker = pthread_self();
    while (worker == pthread_t{}) std::this_thread::yield();  // so that each thread has one chunk
  });
  QCOMPARE(pipe(held), 0);
  QCOMPARE(pipe(released), 0);
  struct sigaction hold{};
  hold.sa_handler = [](int) {
    char byte = 0;
    (void)!write(held[1], &byte, 1);
    (void)!read(released[0], &byte, 1);
  };
  struct sigaction before{};
  sigaction(SIGUSR1, &hold, &before);
  pthread_kill(worker, SIGUSR1);
  char byte = 0;
  QCOMPARE(read(held[0], &byte, 1), 1);

  std::vector<int> threads(10, -1);
  pool.run(threads.size(), [&threads](std::size_t chunk, int thread) { threads[chunk] = thread; });
  QCOMPARE(threads, std::vector<int>(10, 0));

  QCOMPARE(write(released[1], &byte, 1), 1);
  for (std::atomic<bool> came{false}; !came;) {  // it is of use again
    pool.run(2, [&came](std::size_t, int thread) {
      if (thread == 1) came = true;
      std::this_thread::yield();
    });
  }
  sigaction(SIGUSR1, &before, nullptr);
}

void ThreadPoolTest::ends_while_idle_or_asleep() {
  for (int round = 0; round < 100; ++round) {
    const ThreadPool never_used(4);
    ThreadPool pool(3);
    std::atomic<int> runs{0};
    pool.run(3, [&runs](std::size_t, int) { ++runs; });
    for (int i = 0; i < 100 * round; ++i) std::this_thread::yield();  // from spinning to asleep
    pool.run(3, [&runs](std::size_t, int) { ++runs; });
    QCOMPARE(runs.load(), 6);
  }
}

void ThreadPoolTest::serves_one_caller_after_another() {
  ThreadPool pool(2);
  std::vector<int> values(20, 0);
  const auto job = [&values](std::size_t chunk, int) { ++values[chunk]; };
  for (int round = 0; round < 20; ++round) std::thread([&] { pool.run(values.size(), job); }).join();
  QCOMPARE(values, std::vector<int>(20, 20));
}

void ThreadPoolTest::a_refused_thread_is_an_error() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  QSKIP("sanitizers need more address space than this test leaves");
#endif
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit tight = before;
  tight.rlim_cur = pages * static_cast<std::size_t>(getpagesize()) + (std::size_t{64} << 20U);
  QCOMPARE(setrlimit(RLIMIT_AS, &tight), 0);
  const QString sentence = refusal([] { ThreadPool(200); });  // stacks of 8 MB each
  setrlimit(RLIMIT_AS, &before);
  QVERIFY2(sentence.contains("of 200 threads"), qPrintable(sentence));
}

void ThreadPoolTest::what_a_job_throws_reaches_the_caller_data() {
  QTest::addColumn<int>("threads");
  for (const int threads : {1, 2, 4}) QTest::addRow("%d threads", threads) << threads;
}

void ThreadPoolTest::what_a_job_throws_reaches_the_caller() {
  QFETCH(int, threads);
  ThreadPool pool(threads);
  for (std::size_t failing = 0; failing < 64; ++failing) {
    const QString sentence = refusal([&] {
      pool.run(64, [failing](std::size_t chunk, int) {
        if (chunk == failing) throw Error("chunk " + std::to_string(chunk));
      });
    });
    QCOMPARE(sentence, QString("chunk %1").arg(failing));
    std::atomic<int> runs{0};
    pool.run(64, [&runs](std::size_t, int) { ++runs; });  // the pool goes on as before
    QCOMPARE(runs.load(), 64);
  }
  QVERIFY(!refusal([&] { pool.run(64, [](std::size_t, int) { throw Error("all of them"); }); }).isEmpty());
}

void ThreadPoolTest::after_a_failure_no_chunk_begins() {
  ThreadPool pool(1);
  int runs = 0;
  const QString sentence = refusal([&] {
    pool.run(10, [&runs](std::size_t chunk, int) {
      ++runs;
      if (chunk == 3) throw Error("the fourth");
    });
  });
  QCOMPARE(sentence, "the fourth");
  QCOMPARE(runs, 4);
}

QTEST_APPLESS_MAIN(ThreadPoolTest)
#include "tst_thread_pool.moc"

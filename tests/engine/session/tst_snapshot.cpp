#include <sys/wait.h>
#include <unistd.h>

#include <QFileInfo>
#include <QTest>
#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <string>

#include "engine/format/temporary_folder.h"
#include "engine/model/golden.h"
#include "snapshot/run_table_state.h"

using namespace runnel;

namespace {

constexpr auto take_any = [](const std::string&) {};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What two sessions must have in common for one to be the other.
QString difference_of(Session& a, Session& b) {
  const CacheTelemetry one = a.telemetry();
  const CacheTelemetry other = b.telemetry();
  if (one.fed != other.fed || one.evicted != other.evicted || one.evictions != other.evictions) return "counters";
  if (one.head != other.head || one.slots != other.slots) return "slots";
  if (one.settings.ctx_size != other.settings.ctx_size || one.settings.n_keep != other.settings.n_keep ||
      one.settings.n_discard != other.settings.n_discard || one.settings.kv_type != other.settings.kv_type ||
      one.settings.whole_messages != other.settings.whole_messages)
    return "settings";
  const auto same = [](const Run& x, const Run& y) {
    return x.first == y.first && x.length == y.length && x.slot == y.slot && x.reason == y.reason;
  };
  if (!std::ranges::equal(one.runs, other.runs, same)) return "runs";
  if (!std::ranges::equal(a.logits(), b.logits())) return "logits";
  return {};
}

}  // namespace

/// A session that is written to a file and comes back.
class SnapshotTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void goes_on_to_the_bit_data();
  void goes_on_to_the_bit();
  void a_session_without_tokens_comes_back();
  void random_lives_are_not_told_apart();
  void five_hundred_kills_lose_nothing();
  void samples_the_same_tokens();
  void the_attachment_decides();
  void another_model_is_refused();
  void a_size_that_rotates_otherwise_is_refused();
  void a_damaged_file_is_refused();
  void a_file_that_lies_is_refused_data();
  void a_file_that_lies_is_refused();
  void a_failed_write_leaves_the_file_before();
  void only_its_owner_can_read_it();

 private:
  std::unique_ptr<Session> open(const std::shared_ptr<const Model>& model, const CacheSettings& settings) const {
    return std::make_unique<Session>(model, settings, 1);
  }
  std::filesystem::path file() const { return folder_.path("conversation.kv"); }
  /// A session that has evicted, gone back and pinned, and its file.
  std::unique_ptr<Session> saved(const std::shared_ptr<const Model>& model, const CacheSettings& settings) const;

  TemporaryFolder folder_;
};

std::unique_ptr<Session> SnapshotTest::saved(const std::shared_ptr<const Model>& model,
                                             const CacheSettings& settings) const {
  auto session = open(model, settings);
  std::mt19937 random(5);
  std::vector<Token> ids(100);
  for (Token& id : ids) id = static_cast<Token>(random() % static_cast<unsigned>(model->facts().n_vocab));
  session->feed(ids);
  session->pin(session->fed() - 8, session->fed() - 5);
  session->feed(std::span(ids).first(20));
  session->back(session->fed() - 3);
  session->feed(std::span(ids).first(2));
  session->save(file(), "message 7");
  return session;
}

void SnapshotTest::goes_on_to_the_bit_data() {
  QTest::addColumn<QString>("model");
  QTest::addColumn<KvType>("type");
  QTest::addColumn<int>("discard");
  for (const char* model : {"llama_mha", "mistral_window", "families/mpt", "families/opt"}) {
    for (const KvType type : {KvType::f32, KvType::f16, KvType::q8}) {
      for (const int discard : {1, 5, -1})
        QTest::addRow("%s, %s, %d", model, std::string(name_of(type)).c_str(), discard) << model << type << discard;
    }
  }
}

void SnapshotTest::goes_on_to_the_bit() {
  QFETCH(QString, model);
  QFETCH(KvType, type);
  QFETCH(int, discard);
  const auto loaded = load_exact(model.toStdString());
  CacheSettings settings = exact_settings(32, 4, discard);
  settings.kv_type = type;
  const auto before = saved(loaded, settings);
  const auto after = open(loaded, exact_settings(64));
  after->restore(file(), take_any);
  QCOMPARE(difference_of(*before, *after), QString());
  for (Token token = 0; token < 40; ++token) {
    for (Session* session : {before.get(), after.get()}) session->feed({&token, 1});
    QCOMPARE(difference_of(*before, *after), QString());
  }
  for (Session* session : {before.get(), after.get()}) session->back(session->fed() - 9);
  for (Session* session : {before.get(), after.get()}) session->feed(std::vector<Token>{3, 1, 4});
  QCOMPARE(difference_of(*before, *after), QString());
}

void SnapshotTest::a_session_without_tokens_comes_back() {
  const auto model = load_exact("llama_mha");
  open(model, exact_settings(32))->save(file(), "");
  const auto after = open(model, exact_settings(64));
  after->feed(std::vector<Token>{1, 2, 3});
  after->restore(file(), take_any);
  QCOMPARE(after->fed(), 0);
  QCOMPARE(after->settings().ctx_size, 32);
  QVERIFY(after->logits().empty());
  after->feed(std::vector<Token>{1, 2, 3});
}

// One session lives on; the other is saved, forgotten and restored between any two of its steps.
void SnapshotTest::random_lives_are_not_told_apart() {
  const auto model = load_exact("llama_mha");
  std::mt19937 random(11);
  const auto below = [&random](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (int life = 0; life < 10; ++life) {
    CacheSettings settings = exact_settings(32, 2, static_cast<int>(1 + below(6)));
    settings.whole_messages = life % 2 == 1;
    const auto steady = open(model, settings);
    auto changing = open(model, steady->settings());
    for (int step = 0; step < 50; ++step) {
      const std::int64_t what = below(7);
      const std::int64_t fed = steady->fed();
      std::vector<Token> ids(static_cast<std::size_t>(1 + below(30)));
      for (Token& id : ids) id = static_cast<Token>(below(256));
      const std::int64_t first = std::max<std::int64_t>(0, fed - 1 - below(12));
      const int size = static_cast<int>(24 + below(16));
      QString refused;
      for (Session* session : {steady.get(), changing.get()}) {
        refused = refusal([&] {
          if (what <= 2) session->feed(ids);
          if (what == 3) session->back(first);
          if (what == 4) session->pin(first, std::min(fed, first + 3));
          if (what == 5) session->set({.ctx_size = size});
          if (what == 6) session->begin_message(fed);
        });
      }
      changing->save(file(), "");
      changing = open(model, exact_settings(64));
      changing->restore(file(), take_any);
      QVERIFY2(difference_of(*steady, *changing).isEmpty(),
               qPrintable(QString("life %1, step %2: %3").arg(life).arg(step).arg(difference_of(*steady, *changing))));
    }
  }
}

namespace {

/// What the session does at step `number`: always the same.
void live(Session& session, int number) {
  std::mt19937 random(static_cast<unsigned>(number));
  const auto below = [&random](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  if (below(4) == 0) session.back(std::max<std::int64_t>(0, session.fed() - below(6)));
  std::vector<Token> ids(static_cast<std::size_t>(1 + below(9)));
  for (Token& id : ids) id = static_cast<Token>(below(256));
  session.feed(ids);
}

/// Goes on with the life of a file, saving after each step and telling through `pipe` that it did, until it is killed.
[[noreturn]] void live_on(Session& session, const std::filesystem::path& file, int pipe) {
  int number = 0;
  session.restore(file, [&number](const std::string& attachment) { number = std::stoi(attachment); });
  for (;;) {
    live(session, number++);
    session.save(file, std::to_string(number));
    if (write(pipe, "s", 1) != 1) _exit(1);
  }
}

/// Has another process go on with that life and kills it when it has saved `saves` times, in whatever it is doing then.
/// How often it had saved.
int live_and_die(Session& session, const std::filesystem::path& file, int saves) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    try {
      live_on(session, file, ends[1]);
    } catch (...) {
      _exit(1);
    }
  }
  close(ends[1]);
  int told = 0;
  char byte = 0;
  while (told < saves && read(ends[0], &byte, 1) == 1) ++told;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  while (read(ends[0], &byte, 1) == 1) ++told;
  close(ends[0]);
  return told;
}

}  // namespace

void SnapshotTest::five_hundred_kills_lose_nothing() {
  const auto model = load_exact("llama_mha");
  const auto steady = open(model, exact_settings(32));
  live(*steady, 0);
  steady->save(file(), "1");
  std::mt19937 random(23);
  int lived = 1;
  for (int round = 0; round < 500; ++round) {
    const auto other = open(model, exact_settings(32));
    const int told = live_and_die(*other, file(), static_cast<int>(random() % 3));
    QVERIFY(told >= 0);
    int saved = 0;
    other->restore(file(), [&saved](const std::string& attachment) { saved = std::stoi(attachment); });
    QVERIFY2(saved >= lived + told, "a life that was told to be saved is lost");
    while (lived < saved) live(*steady, lived++);
    QCOMPARE(difference_of(*steady, *other), QString());
  }
}

void SnapshotTest::samples_the_same_tokens() {
  const auto model = load_exact("llama_mha");
  const auto before = saved(model, exact_settings(32));
  const auto after = open(model, exact_settings(32));
  after->restore(file(), take_any);
  const SamplerSettings sampling{.seed = 42};
  Sampler one(sampling);
  Sampler other(sampling);
  for (int i = 0; i < 100; ++i) {
    const Token token = before->next(one);
    QCOMPARE(after->next(other), token);
    before->feed({&token, 1});
    after->feed({&token, 1});
  }
}

void SnapshotTest::the_attachment_decides() {
  const auto model = load_exact("llama_mha");
  saved(model, exact_settings(32));
  const auto session = open(model, exact_settings(64));
  session->feed(std::vector<Token>{1, 2, 3});
  std::string seen;
  const QString sentence = refusal([&] {
    session->restore(file(), [&](const std::string& attachment) {
      seen = attachment;
      throw Error("It is of another conversation.");
    });
  });
  QCOMPARE(seen, std::string("message 7"));
  QCOMPARE(sentence, QString("It is of another conversation."));
  QCOMPARE(session->fed(), 3);
  QCOMPARE(session->settings().ctx_size, 64);
}

void SnapshotTest::another_model_is_refused() {
  saved(load_exact("llama_mha"), exact_settings(32));
  const auto other = open(load_exact("llama_linear"), exact_settings(32));
  QString sentence = refusal([&] { other->restore(file(), take_any); });
  QVERIFY2(sentence.contains("another model"), qPrintable(sentence));
  // The same file, held in another way: its keys are others.
  LoadOptions options = exact_options();
  options.weight_dtype = WeightType::bf16;
  const auto rounded = open(Model::load(fixture("llama_mha"), options), exact_settings(32));
  sentence = refusal([&] { rounded->restore(file(), take_any); });
  QVERIFY2(sentence.contains("another model"), qPrintable(sentence));
  QVERIFY(refusal([&] { other->restore(folder_.path("nothing.kv"), take_any); }).contains("nothing.kv"));
}

void SnapshotTest::a_size_that_rotates_otherwise_is_refused() {
  const auto model = load_exact("families/phi3_longrope");
  CacheSettings settings = exact_settings(24);
  settings.allow_untrained_ctx = true;
  saved(model, settings);
  settings.ctx_size = 64;  // beyond the original context: the long factors
  const auto session = open(model, settings);
  const QString sentence = refusal([&] { session->restore(file(), take_any); });
  QVERIFY2(sentence.contains("rotates"), qPrintable(sentence));
}

void SnapshotTest::a_damaged_file_is_refused() {
  const auto model = load_exact("llama_mha");
  saved(model, exact_settings(32));
  const std::string whole = read_file(file());
  const auto session = open(model, exact_settings(64));
  session->feed(std::vector<Token>{1, 2, 3});
  const auto refused = [&](const std::string& bytes) {
    const auto path = folder_.write("damaged.kv", bytes);
    return refusal([&] { session->restore(path, take_any); }).contains("damaged");
  };
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 7)
    QVERIFY2(refused(whole.substr(0, size)) || size == 0, qPrintable(QString::number(size)));
  for (std::size_t at = 0; at < whole.size(); at += 1 + at / 5) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    QVERIFY2(refused(changed), qPrintable(QString::number(at)));
  }
  QVERIFY(refused(whole + "x"));
  QCOMPARE(session->fed(), 3);
}

void SnapshotTest::a_file_that_lies_is_refused_data() {
  using Lie = std::function<void(RunTable::State&)>;
  QTest::addColumn<Lie>("lie");
  const auto row = [](const char* name, Lie lie) { QTest::newRow(name) << lie; };
  row("a giant size", [](auto& s) { s.settings.ctx_size = 1 << 30; });
  row("a size of nothing", [](auto& s) { s.settings.ctx_size = 0; });
  row("more sinks than slots", [](auto& s) { s.settings.n_keep = 1000; });
  row("no batch", [](auto& s) { s.settings.batch = 0; });
  row("a slot before the first", [](auto& s) { s.runs[0].slot = -1; });
  row("a slot behind the last", [](auto& s) { s.runs[0].slot = 1 << 20; });
  row("a slot twice", [](auto& s) { s.runs[0].slot = s.runs[1].slot; });
  row("a slot nowhere", [](auto& s) { s.free.pop_back(); });
  row("no free slot", [](auto& s) { s.free.clear(); });
  row("a run of nothing", [](auto& s) { s.runs[0].length = 0; });
  row("an endless run", [](auto& s) { s.runs[0].length = std::numeric_limits<std::int32_t>::max(); });
  row("positions out of order", [](auto& s) { std::swap(s.runs[0].first, s.runs[1].first); });
  row("a position to come", [](auto& s) { s.runs.back().first = s.fed; });
  row("a position beyond all", [](auto& s) { s.runs.back().first = std::numeric_limits<std::int64_t>::max() - 1; });
  row("fewer tokens than none", [](auto& s) { s.fed = -1; });
  row("more than were ever fed", [](auto& s) { s.high = s.fed - 1; });
  row("evicted before it was fed", [](auto& s) { s.free[0].first = 50, s.free[0].when = 3; });
  row("a pin the wrong way round", [](auto& s) { s.pins.push_back({.first = 9, .end = 8}); });
  row("a pin to come", [](auto& s) { s.pins.push_back({.first = 9, .end = s.fed + 1}); });
  row("messages out of order", [](auto& s) { s.messages = {9, 9}; });
  row("all pinned", [](auto& s) { s.pins.push_back({.first = 0, .end = s.fed}); });
}

void SnapshotTest::a_file_that_lies_is_refused() {
  QFETCH(std::function<void(RunTable::State&)>, lie);
  RunTable table({.ctx_size = 32, .n_keep = 4, .n_discard = 3});
  for (int i = 0; i < 100; ++i) table.append();
  RunTable::State state = table.state();
  QVERIFY(RunTable::is_sound(state));
  const auto read_back = [&] {
    SnapshotWriter out(file());
    write_run_table(out, state);
    out.commit();
    SnapshotReader in(file());
    (void)read_run_table(in, 2048, false);
  };
  QCOMPARE(refusal(read_back), QString());
  lie(state);
  QVERIFY(!refusal(read_back).isEmpty());
}

void SnapshotTest::a_failed_write_leaves_the_file_before() {
  const auto model = load_exact("llama_mha");
  saved(model, exact_settings(32));
  const std::string before = read_file(file());
  const auto session = open(model, exact_settings(64));
  const QString sentence = refusal([&] { session->save(folder_.path("no/such/folder.kv"), ""); });
  QVERIFY2(sentence.contains("folder.kv"), qPrintable(sentence));
  {
    SnapshotWriter unfinished(file());
    unfinished.text("half");
  }
  QCOMPARE(read_file(file()), before);
}

void SnapshotTest::only_its_owner_can_read_it() {
  saved(load_exact("llama_mha"), exact_settings(32));
  const QFileInfo info(QString::fromStdString(file().string()));
  constexpr auto others = QFile::ReadGroup | QFile::WriteGroup | QFile::ReadOther | QFile::WriteOther;
  QVERIFY(!(info.permissions() & others));
}

QTEST_APPLESS_MAIN(SnapshotTest)
#include "tst_snapshot.moc"

#include <QTest>
#include <deque>
#include <random>

#include "engine/cache/cache_rules.h"
#include "runnel/error.h"
#include "runnel/run_table.h"

using namespace runnel;

namespace {

using Positions = std::vector<std::int64_t>;

RunTable table(int ctx_size, int n_keep, int n_discard) {
  return RunTable({.ctx_size = ctx_size, .n_keep = n_keep, .n_discard = n_discard});
}

Positions positions(const RunTable& table) {
  Positions all;
  for (const Run& run : table.runs()) {
    for (std::int32_t i = 0; i < run.length; ++i) all.push_back(run.first + i);
  }
  return all;
}

std::int32_t slot_of(const RunTable& table, std::int64_t position) {
  for (const Run& run : table.runs()) {
    if (run.first <= position && position < run.first + run.length) {
      return run.slot + static_cast<std::int32_t>(position - run.first);
    }
  }
  return -1;
}

/// The rules and the table driven side by side, with a memory that notes which token was last written to each slot.
class Pair {
 public:
  Pair(int ctx, int keep, int discard)
      : rules{.ctx = ctx, .keep = keep, .discard = discard}, table(::table(ctx, keep, discard)), written_(room(), -1) {}

  // A batch as the session runs it: every slot is written, and afterwards every query still finds what it saw.
  QString batch(int tokens, bool cancel) {
    const std::int64_t evictions = table.evictions();
    std::vector<std::pair<std::int32_t, std::int64_t>> seen;
    for (int i = 0; i < tokens; ++i) {
      const std::int64_t position = table.fed();
      const std::int32_t slot = table.append();
      if (!promised_.empty() && promised_.front() != slot) return "a slot that was cut is not the next to be used";
      if (!promised_.empty()) promised_.pop_front();
      written_[static_cast<std::size_t>(slot)] = position;
      for (const Run& run : table.runs()) {
        for (std::int32_t k = 0; k < run.length; ++k) seen.emplace_back(run.slot + k, run.first + k);
      }
    }
    for (const auto& [slot, position] : seen) {
      if (written_[static_cast<std::size_t>(slot)] != position) return "what a query of the batch saw was overwritten";
    }
    if (cancel) {
      table.take_back(tokens, evictions);
      rules.cancelled(tokens);
      promise_slots_from(table.fed());
    } else {
      for (int i = 0; i < tokens; ++i) rules.feed();
    }
    return {};
  }

  void back(std::int64_t to) {
    if (!rules.back_is_exact(to)) forget_evicted(to, to);
    rules.back(to);
    table.back(to);
    promise_slots_from(to);
  }

  void change_type(KvType type) {
    forget_evicted(0, rules.n);
    rules.rewritten();
    table.set_kv_type(type);
  }

  void resize(int ctx) {
    rules.resize(ctx);
    table.resize(ctx);
    promised_.clear();
    written_.assign(room(), -1);
    for (const Run& run : table.runs()) {
      for (std::int32_t k = 0; k < run.length; ++k) written_[static_cast<std::size_t>(run.slot + k)] = run.first + k;
    }
  }

  // The first rule that does not hold; empty when all do.
  QString fault() const {
    if (positions(table) != rules.items) return "cached tokens";
    if (table.fed() != rules.n || table.cached() != std::ssize(rules.items)) return "counts";
    if (table.high() != rules.high || table.border() != rules.border) return "high or border";
    if (table.evictions() != rules.evictions) return "number of evictions";
    if (table.slots() - table.cached() < headroom(rules.ctx)) return "free slots";
    for (const std::int64_t p : rules.items) {
      if (written_[static_cast<std::size_t>(slot_of(table, p))] != p) return "slot of a cached token";
    }
    std::int32_t rank = 0;
    const Run* before = nullptr;
    for (const Run& run : table.runs()) {
      if (run.length < 1 || run.rank != rank) return "ranks";
      if (rules.reason(run.first) != run.reason || rules.reason(run.first + run.length - 1) != run.reason)
        return "reasons";
      const bool joins = before != nullptr && before->reason == run.reason &&
                         before->first + before->length == run.first && before->slot + before->length == run.slot;
      if (joins) return "runs that should be one";
      rank += run.length;
      before = &run;
    }
    return {};
  }

  CacheRules rules;
  RunTable table;

 private:
  std::size_t room() const { return static_cast<std::size_t>(table.slots()); }

  // What was evicted at `fed` or later, of the tokens before `end`, can never be restored: its slots are like any
  // other.
  void forget_evicted(std::int64_t fed, std::int64_t end) {
    for (const auto& [when, position] : rules.gone) {
      if (when >= fed && position < end) std::replace(written_.begin(), written_.end(), position, std::int64_t{-1});
    }
  }

  // The slots of all cut tokens, evicted ones too, are used next, in the order in which they were written.
  void promise_slots_from(std::int64_t to) {
    std::vector<std::pair<std::int64_t, std::int32_t>> cut;
    for (std::size_t slot = 0; slot < written_.size(); ++slot) {
      const bool promised =
          std::find(promised_.begin(), promised_.end(), static_cast<std::int32_t>(slot)) != promised_.end();
      if (written_[slot] >= to && !promised) cut.emplace_back(written_[slot], static_cast<std::int32_t>(slot));
    }
    std::sort(cut.rbegin(), cut.rend());
    for (const auto& [position, slot] : cut) promised_.push_front(slot);
  }

  Positions written_;                  ///< [slots]
  std::deque<std::int32_t> promised_;  ///< slots that the next tokens must get
};

/// Random sequences of operations.
class Play {
 public:
  explicit Play(std::mt19937& random) : random_(random), pair_(between(16, 40), 0, 1) {
    const int keep = between(0, 6);
    pair_ = Pair(pair_.rules.ctx, keep, one_in(4) ? -1 : between(1, pair_.rules.ctx - keep - 1));
  }

  QString step() {
    CacheRules& rules = pair_.rules;
    switch (between(0, 8)) {
      case 0:
      case 1:
        return feed(between(1, one_in(3) ? 2 * rules.ctx : 6), false);
      case 2:
        return feed(between(1, headroom(rules.ctx)), true);
      case 3:
        pin();
        break;
      case 4:
        unpin();
        break;
      case 5:
        back();
        break;
      case 6:
        resize();
        break;
      case 7:
        begin_message();
        break;
      default:
        adjust();
        break;
    }
    return pair_.fault();
  }

 private:
  int between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  bool one_in(int n) { return between(1, n) == 1; }

  QString feed(int tokens, bool cancel) {
    while (tokens > 0) {
      const int batch = std::min(tokens, between(1, headroom(pair_.rules.ctx)));
      if (const QString fault = pair_.batch(batch, cancel); !fault.isEmpty()) return fault;
      if (const QString fault = pair_.fault(); !fault.isEmpty()) return fault;
      tokens = cancel ? 0 : tokens - batch;
    }
    return {};
  }

  void pin() {
    CacheRules& rules = pair_.rules;
    const std::int64_t first =
        rules.items.empty() || one_in(8)
            ? between(-2, static_cast<int>(rules.n) + 2)
            : rules.items[static_cast<std::size_t>(between(0, static_cast<int>(rules.items.size()) - 1))];
    const std::int64_t end = first + between(0, 9);
    const Reason reason = one_in(3) ? Reason::system : Reason::pin;
    CacheRules pinned = rules;
    bool legal = first < end;
    for (std::int64_t p = first; p < end; ++p) {
      legal = legal && std::binary_search(rules.items.begin(), rules.items.end(), p);
      (reason == Reason::system ? pinned.system : pinned.pins).insert(p);
    }
    legal = legal && pinned.enough_rolls();
    try {
      pair_.table.pin(first, end, reason);
      rules = pinned;  // when it was not legal, the difference shows
    } catch (const Error&) {
      if (legal) rules = pinned;
    }
  }

  void unpin() {
    const std::int64_t first = between(0, static_cast<int>(pair_.rules.n) + 2);
    const std::int64_t end = first + between(-3, 30);
    const Reason reason = one_in(3) ? Reason::system : Reason::pin;
    pair_.table.unpin(first, end, reason);
    for (std::int64_t p = first; p < end; ++p)
      (reason == Reason::system ? pair_.rules.system : pair_.rules.pins).erase(p);
  }

  void back() {
    const auto n = static_cast<int>(pair_.rules.n);
    const int to = std::max(0, n - between(0, one_in(3) ? n : headroom(pair_.rules.ctx)));
    pair_.back(to);
  }

  void begin_message() {
    const std::int64_t first = pair_.rules.n + between(0, one_in(4) ? 5 : 0);
    pair_.table.begin_message(first);
    pair_.rules.messages.erase(pair_.rules.messages.lower_bound(first), pair_.rules.messages.end());
    pair_.rules.messages.insert(first);
  }

  void resize() {
    CacheRules changed = pair_.rules;
    changed.ctx = between(16, 40);
    const bool legal =
        changed.keep <= changed.ctx - 2 && changed.discard < changed.ctx - changed.keep && changed.enough_rolls();
    if (legal) pair_.resize(changed.ctx);
  }

  void adjust() {
    CacheRules& rules = pair_.rules;
    const int what = between(0, 3);
    if (what == 0) {
      rules.discard = one_in(4) ? -1 : between(1, rules.ctx - rules.keep - 1);
      pair_.table.set_n_discard(rules.discard);
    } else if (what == 1) {
      const bool whole = std::ssize(rules.items) == rules.n;
      CacheRules changed = rules;
      changed.keep = between(0, whole ? 8 : rules.keep);
      if (changed.discard < changed.ctx - changed.keep && changed.enough_rolls()) {
        rules = changed;
        pair_.table.set_n_keep(rules.keep);
      }
    } else if (what == 2) {
      rules.whole_messages = !rules.whole_messages;
      pair_.table.set_whole_messages(rules.whole_messages);
    } else {
      pair_.change_type(static_cast<KvType>(between(0, 3)));
    }
  }

  std::mt19937& random_;
  Pair pair_;
};

}  // namespace

/// The cache against its rules, in random sequences of all that can be done with it.
class RandomPlayTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void obeys_the_rules();
};

void RandomPlayTest::obeys_the_rules() {
  constexpr int sequences = 10'000;
  constexpr int steps = 16;
  for (int sequence = 0; sequence < sequences; ++sequence) {
    std::mt19937 random(static_cast<unsigned>(sequence));
    Play play(random);
    for (int step = 0; step < steps; ++step) {
      const QString fault = play.step();
      QVERIFY2(fault.isEmpty(), qPrintable(QString("sequence %1, step %2: %3").arg(sequence).arg(step).arg(fault)));
    }
  }
}

QTEST_APPLESS_MAIN(RandomPlayTest)
#include "tst_random_play.moc"

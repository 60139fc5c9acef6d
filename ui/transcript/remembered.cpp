#include "ui/transcript/remembered.h"

#include <QHash>

#include <algorithm>
#include <optional>

namespace runnel::ui {

namespace {

/** Cached tokens at original positions [first, end). */
qint64 cachedWithin(const std::vector<Run>& runs, qint64 first, qint64 end) {
  qint64 cached = 0;
  const auto endOf = [](const Run& run) { return run.first + run.length; };
  auto run = std::ranges::upper_bound(runs, first, {}, endOf);
  for (; run != runs.end() && run->first < end; ++run)
    cached += std::min<qint64>(end, run->first + run->length) - std::max<qint64>(first, run->first);
  return cached;
}

}  // namespace

QList<double> rememberedShares(const QList<qint64>& messageIds, const app::CacheSnapshot& snapshot) {
  struct Known {
    double share;
    bool said;  // by the user or the model: what is known of a system prompt says nothing about what follows it
  };
  QHash<qint64, Known> known;
  for (const app::MessageSpan& span : snapshot.spans) {
    if (span.end <= span.first) continue;
    // What has not been read yet can't have been forgotten.
    const qint64 read = std::clamp<qint64>(snapshot.telemetry.fed, span.first, span.end);
    const qint64 remembered = cachedWithin(snapshot.telemetry.runs, span.first, read) + span.end - read;
    const double share = static_cast<double>(remembered) / static_cast<double>(span.end - span.first);
    known.insert(span.messageId, {share, span.role != app::Role::System});
  }

  QList<double> shares(messageIds.size());
  std::optional<double> later;
  for (qsizetype row = messageIds.size() - 1; row >= 0; --row) {
    const auto found = known.constFind(messageIds[row]);
    if (found != known.cend()) later = found->share;
    shares[row] = later.value_or(1);
    if (found == known.cend() && later) shares[row] = -1;
  }
  double earlier = 0;
  for (qsizetype row = 0; row < messageIds.size(); ++row) {
    const auto found = known.constFind(messageIds[row]);
    if (found != known.cend() && found->said) earlier = found->share;
    if (shares[row] < 0) shares[row] = earlier > 0 ? 1 : 0;
  }
  return shares;
}

}  // namespace runnel::ui

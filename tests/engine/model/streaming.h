#pragma once

#include "engine/model/golden.h"

namespace runnel {

/// A plan of a streaming reference as settings of the exact path.
inline CacheSettings settings_of(const nlohmann::json& plan, int batch) {
  return exact_settings(plan["ctx_size"].get<int>(), plan["n_keep"].get<int>(), plan["n_discard"].get<int>(), batch);
}

/// Feeds `ids` to a new session up to each position that the plan names. Says what differs there from `expected`, the
/// plan's logits [positions, n_vocab], by the tolerance or more, or from its map of the cache; empty when nothing does.
inline QString streaming_fault(Session& session, const nlohmann::json& plan, std::span<const Token> ids,
                               const std::vector<float>& expected, double tolerance) {
  const std::size_t width = expected.size() / plan["positions"].size();
  std::size_t fed = 0;
  std::size_t row = 0;
  for (const auto& position : plan["positions"]) {
    const auto end = position.get<std::size_t>() + 1;
    session.feed(ids.subspan(fed, end - fed));
    fed = end;
    const QString where = QString::fromStdString(plan["tensor"].get<std::string>()) +
                          QString(", batch %1, after token %2: ").arg(session.settings().batch).arg(end - 1);
    const double off = difference(session.logits(), row_of(expected, row++, width));
    if (!(off < tolerance)) return where + QString("off by %1").arg(off);
    if (cached(session) != plan["cached_after"][std::to_string(end - 1)].get<std::vector<std::int64_t>>())
      return where + QString("another map of the cache");
  }
  return {};
}

}  // namespace runnel

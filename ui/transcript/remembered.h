#pragma once

#include <QList>

#include "app/chat/chat_values.h"

namespace runnel::ui {

/**
 * For each of `messageIds` (in the conversation's order) the share of its tokens that `snapshot` has in the cache, 0
 * … 1. A message without tokens there (an answer that failed at once, one from before the cache was made anew) is
 * forgotten when nothing said before it is remembered but something after it has been read; else it counts as whole.
 */
QList<double> rememberedShares(const QList<qint64>& messageIds, const app::CacheSnapshot& snapshot);

}  // namespace runnel::ui

#pragma once

#include <QStringList>

#include <vector>

namespace runnel::app {

/** The statements that take a database from one version to the next. */
using Migration = QStringList;

/** Migration n (0-based) makes version n + 1 of version n; version 0 is an empty file. PRAGMA user_version holds the
 *  version of a file. Only ever add to the end: files of every version are out there. */
const std::vector<Migration>& conversationMigrations();

/** PRAGMA application_id of our files: "Rnnl". */
constexpr qint32 kApplicationId = 0x526e6e6c;

}  // namespace runnel::app

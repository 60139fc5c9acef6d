#include "app/store/schema.h"

namespace runnel::app {

// AUTOINCREMENT: the id of a removed message must never come back, since caches and snapshots know messages by it.
const std::vector<Migration>& conversationMigrations() {
  static const std::vector<Migration> migrations = {
      {
          QStringLiteral(R"(
            CREATE TABLE conversation (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              title TEXT NOT NULL,
              created_ms INTEGER NOT NULL,
              updated_ms INTEGER NOT NULL
            ) STRICT)"),
          QStringLiteral(R"(
            CREATE TABLE message (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
              role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
              text TEXT NOT NULL,
              ids BLOB NOT NULL,
              prefix INTEGER NOT NULL,
              tokenizer TEXT NOT NULL,
              model TEXT NOT NULL,
              settings TEXT NOT NULL,
              stop_reason TEXT NOT NULL,
              created_ms INTEGER NOT NULL
            ) STRICT)"),
          QStringLiteral("CREATE INDEX message_of_conversation ON message (conversation, id)"),
          QStringLiteral("PRAGMA application_id = %1").arg(kApplicationId),
      },
      {
          QStringLiteral("ALTER TABLE message ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0"),
      },
  };
  return migrations;
}

}  // namespace runnel::app

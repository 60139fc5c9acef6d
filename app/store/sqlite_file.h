#pragma once

#include <QSqlQuery>
#include <QString>
#include <QVariant>

#include <functional>
#include <optional>
#include <vector>

#include "app/store/schema.h"

namespace runnel::app {

/**
 * One SQLite file, held by this process alone while it is open: WAL, synchronous=FULL, foreign keys, deleted content
 * overwritten, mode 0600. What a call wrote is on disk when it returns.
 *
 * Lives on one thread. Calls that fail say why in `error()`, as a sentence for the user.
 */
class SqliteFile {
 public:
  enum class Fault {
    None,
    Locked,    //!< another process has it open
    Damaged,   //!< not SQLite, or its structure is broken
    Foreign,   //!< SQLite, but another program's, or written by a newer version of this one
    Unusable,  //!< the folder or file can't be read and written, the disk is full …
  };

  SqliteFile();
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  /** Opens or creates the file, checks it and brings it to the newest version; a copy of the file as it was is kept as
   *  "<path>.v<version>.backup" before each migration of a file that holds something. */
  bool open(const QString& path, const std::vector<Migration>& migrations);
  void close();
  bool isOpen() const;
  QString path() const { return m_path; }

  Fault fault() const { return m_fault; }
  QString error() const { return m_error; }

  /** Runs one statement with `values` for its question marks; the query stands before its first row. */
  std::optional<QSqlQuery> run(const QString& sql, const QVariantList& values = {});

  /** Runs `work` as one transaction: all of it, or (when it gives false or the file can't be written) nothing. */
  bool atomically(const std::function<bool()>& work);

 private:
  bool createPrivately(const QString& path);
  bool configure();
  bool check();
  bool migrate(const std::vector<Migration>& migrations);
  bool backUp(int version);
  std::optional<QVariant> value(const QString& sql);
  bool fail(Fault fault, const QString& message);
  bool fail(const QSqlError& error);

  QString m_connection;
  QString m_path;
  Fault m_fault = Fault::None;
  QString m_error;
};

}  // namespace runnel::app

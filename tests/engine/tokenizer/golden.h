#pragma once

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <string>
#include <vector>

#include "runnel/tokenizer.h"

namespace runnel {

/// A text and the ids that an independent implementation gives it.
struct Golden {
  std::string text;
  std::vector<Token> ids;      ///< names of control tokens in the text are text
  std::vector<Token> trusted;  ///< they are control tokens
  std::string decoded;         ///< of `trusted`, where known
};

inline std::string read_fixture(const QString& name) {
  QFile file(QStringLiteral(RUNNEL_FIXTURES "/tokenizers/") + name);
  return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string();
}

inline std::vector<Token> ids_of(const QJsonValue& list) {
  std::vector<Token> ids;
  for (const QJsonValue id : list.toArray()) ids.push_back(id.toInt());
  return ids;
}

/// The cases of a golden file; none when it can't be read. Files with one list of ids are of the trusted kind.
inline std::vector<Golden> read_golden(const QString& name) {
  std::vector<Golden> cases;
  const QJsonDocument file = QJsonDocument::fromJson(QByteArray::fromStdString(read_fixture(name)));
  for (const QJsonValue value : file.array()) {
    const QJsonObject object = value.toObject();
    const QString parsed = QStringLiteral("ids_with_special_tokens_parsed");
    cases.push_back({.text = object["text"].toString().toStdString(),
                     .ids = ids_of(object["ids"]),
                     .trusted = ids_of(object.contains(parsed) ? object[parsed] : object["ids"]),
                     .decoded = object["decoded"].toString().toStdString()});
  }
  return cases;
}

}  // namespace runnel

#include "app/store/token_blob.h"

#include <QtEndian>

namespace runnel::app {

// An empty list has no data to point to, and an empty but not null array is an empty BLOB, not NULL.
QByteArray packIds(const QList<qint32>& ids) {
  if (ids.isEmpty()) return QByteArrayLiteral("");
  QByteArray blob(ids.size() * qsizetype{sizeof(qint32)}, Qt::Uninitialized);
  qToLittleEndian<qint32>(ids.constData(), ids.size(), blob.data());
  return blob;
}

QList<qint32> unpackIds(const QByteArray& blob) {
  QList<qint32> ids(blob.size() / qsizetype{sizeof(qint32)});
  if (ids.isEmpty()) return ids;
  qFromLittleEndian<qint32>(blob.constData(), ids.size(), ids.data());
  return ids;
}

}  // namespace runnel::app

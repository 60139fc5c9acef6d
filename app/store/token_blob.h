#pragma once

#include <QByteArray>
#include <QList>

namespace runnel::app {

/** Token ids as the database holds them: 32 bits each, little endian. */
QByteArray packIds(const QList<qint32>& ids);

/** The ids in `blob`; bytes after the last whole id are ignored. */
QList<qint32> unpackIds(const QByteArray& blob);

}  // namespace runnel::app

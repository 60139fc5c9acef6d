#include "app/failure_sentence.h"

#include <QCoreApplication>

#include <exception>
#include <new>

#include "runnel/error.h"

namespace runnel::app {

QString failureSentence() {
  const auto tr = [](const char* text) { return QCoreApplication::translate("runnel::app", text); };
  try {
    throw;
  } catch (const runnel::Error& error) {
    return QString::fromStdString(error.what());
  } catch (const std::bad_alloc&) {
    return tr("There is not enough memory; close other programs, or choose a smaller model or ctx_size.");
  } catch (const std::exception& error) {
    return tr("Something unexpected happened: %1").arg(QString::fromUtf8(error.what()));
  }
}

}  // namespace runnel::app

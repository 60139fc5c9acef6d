#pragma once

#include <QString>
#include <QTemporaryDir>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "runnel/error.h"

namespace runnel {

/// A folder for crafted files that goes when the test ends.
class TemporaryFolder {
 public:
  std::filesystem::path path() const { return folder_.path().toStdString(); }
  std::filesystem::path path(std::string_view name) const { return path() / name; }

  std::filesystem::path write(std::string_view name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

 private:
  QTemporaryDir folder_;
};

/// The sentence of the Error that `action` throws; empty when it throws none.
template <typename Action>
QString refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return QString::fromUtf8(error.what());
  }
  return {};
}

}  // namespace runnel

#include "format/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {

AtomicFile::AtomicFile(const std::filesystem::path& path, Readers readers) : path_(path) {
  const mode_t mode = readers == Readers::owner ? 0600 : 0666;
  // A file without a name goes with the process, whatever ends it. Not every file system has them.
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  descriptor_ = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  if (descriptor_ >= 0) return;
  take_free_name([this, mode](const char* name) {
    descriptor_ = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    return descriptor_ >= 0;
  });
}

// Names tell other processes of ours apart; a leftover of a crash takes one more try.
void AtomicFile::take_free_name(const std::function<bool(const char* name)>& take) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary_ = path_.parent_path() / fmt::format(".runnel-{}-{}.part", ::getpid(), attempt);
    if (take(temporary_.c_str())) return;
    if (errno != EEXIST) break;
  }
  const int error = errno;
  temporary_.clear();  // it is not ours
  fail(error);
}

AtomicFile::~AtomicFile() {
  close_and_remove();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::size_t>(written);
  }
}

void AtomicFile::pad_to(std::size_t alignment) {
  static constexpr std::array<std::byte, 4096> zeros{};
  std::size_t missing = (alignment - size_ % alignment) % alignment;
  while (missing > 0) {
    const std::size_t piece = std::min(missing, zeros.size());
    write(std::span(zeros).first(piece));
    missing -= piece;
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail(errno);
  if (temporary_.empty()) {
    const std::string nameless = fmt::format("/proc/self/fd/{}", descriptor_);
    take_free_name([&nameless](const char* name) {
      return ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
    });
  }
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

void AtomicFile::fail(int error) const {
  throw Error(fmt::format("{} can't be written: {}.", printable_path(path_), std::generic_category().message(error)));
}

void AtomicFile::close_and_remove() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

}  // namespace runnel

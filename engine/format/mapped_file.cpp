#include "format/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <system_error>
#include <utility>

#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// Closes the descriptor at the end of the block: the mapping outlives it.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail_with_errno(const std::filesystem::path& path, int error) {
  throw Error(fmt::format("{} can't be opened: {}.", printable_path(path), std::generic_category().message(error)));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  // Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) {
    if (errno == ENOENT) throw Error(fmt::format("{} does not exist.", printable_path(path)));
    fail_with_errno(path, errno);
  }
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) fail_with_errno(path, errno);
  if (S_ISDIR(status.st_mode)) throw Error(fmt::format("{} is a folder, a file was expected.", printable_path(path)));
  if (!S_ISREG(status.st_mode)) throw Error(fmt::format("{} is not a regular file.", printable_path(path)));
  if (status.st_size == 0) throw Error(fmt::format("{} is empty.", printable_path(path)));

  const auto size = static_cast<std::size_t>(status.st_size);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (start == MAP_FAILED) fail_with_errno(path, errno);
  bytes_ = {static_cast<const std::byte*>(start), size};
}

MappedFile::~MappedFile() {
  unmap();
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    path_ = std::move(other.path_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

void MappedFile::release(std::size_t offset, std::size_t length) const {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t first = std::min(offset, bytes_.size());
  const std::size_t last = first + std::min(length, bytes_.size() - first);
  const std::size_t first_page = (first + page - 1) / page * page;
  // The file's last page may be given back although the file ends inside it.
  const std::size_t end_page = last == bytes_.size() ? last : last / page * page;
  if (first_page >= end_page) return;
  // madvise wants a mutable pointer; it only drops clean pages of a read-only mapping. It is advice: failure is
  // harmless.
  ::madvise(const_cast<std::byte*>(bytes_.data()) + first_page, end_page - first_page, MADV_DONTNEED);
}

void MappedFile::release(std::span<const std::byte> part) const {
  const std::less_equal<const std::byte*> not_after;
  const std::byte* end = bytes_.data() + bytes_.size();
  if (!not_after(bytes_.data(), part.data()) || !not_after(part.data() + part.size(), end)) return;
  release(static_cast<std::size_t>(part.data() - bytes_.data()), part.size());
}

void MappedFile::unmap() noexcept {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  bytes_ = {};
}

}  // namespace runnel

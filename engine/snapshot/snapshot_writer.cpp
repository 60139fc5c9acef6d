#include "snapshot/snapshot_writer.h"

#include <xxhash.h>

#include <bit>

#include "format/atomic_file.h"
#include "runnel/error.h"
#include "snapshot/snapshot_format.h"

namespace runnel {

static_assert(std::endian::native == std::endian::little);

class SnapshotWriter::Impl {
 public:
  explicit Impl(const std::filesystem::path& path)
      : file_(path, AtomicFile::Readers::owner), hash_(XXH3_createState()) {
    if (hash_ == nullptr) throw Error("There is not enough memory to write " + path.string() + ".");
    XXH3_64bits_reset(hash_.get());
    buffer_.reserve(buffered);
  }

  // Large pieces go straight to the file.
  void append(std::span<const std::byte> data) {
    XXH3_64bits_update(hash_.get(), data.data(), data.size());
    if (buffer_.size() + data.size() > buffered) flush();
    if (data.size() > buffered)
      file_.write(data);
    else
      buffer_.insert(buffer_.end(), data.begin(), data.end());
  }

  void commit() {
    const std::uint64_t hash = XXH3_64bits_digest(hash_.get());
    flush();
    file_.write(std::as_bytes(std::span(&hash, 1)));
    file_.commit();
  }

 private:
  struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  static constexpr std::size_t buffered = 1 << 16;

  void flush() {
    file_.write(buffer_);
    buffer_.clear();
  }

  AtomicFile file_;
  std::unique_ptr<XXH3_state_t, FreeState> hash_;
  std::vector<std::byte> buffer_;
};

SnapshotWriter::SnapshotWriter(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
  bytes(std::as_bytes(std::span(snapshot_mark)));
  value(snapshot_version);
}

SnapshotWriter::~SnapshotWriter() = default;

void SnapshotWriter::bytes(std::span<const std::byte> data) {
  impl_->append(data);
}

void SnapshotWriter::text(std::string_view data) {
  list(std::span<const char>(data));
}

void SnapshotWriter::commit() {
  impl_->commit();
}

}  // namespace runnel

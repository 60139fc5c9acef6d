#include "snapshot/snapshot_reader.h"

#include <xxhash.h>

#include <algorithm>

#include "runnel/error.h"
#include "snapshot/snapshot_format.h"

namespace runnel {

SnapshotReader::SnapshotReader(const std::filesystem::path& path) : file_(path) {
  const std::span<const std::byte> all = file_.bytes();
  require(all.size() >= snapshot_mark.size() + sizeof(snapshot_version) + snapshot_hash_bytes);
  left_ = all.first(all.size() - snapshot_hash_bytes);
  std::uint64_t hash = 0;
  std::memcpy(&hash, all.last(snapshot_hash_bytes).data(), snapshot_hash_bytes);
  require(std::ranges::equal(left_.first(snapshot_mark.size()), std::as_bytes(std::span(snapshot_mark))));
  require(XXH3_64bits(left_.data(), left_.size()) == hash);
  left_ = left_.subspan(snapshot_mark.size());
  if (value<std::uint32_t>() != snapshot_version)
    throw Error("The snapshot " + path.string() + " is of another version of Runnel.");
}

std::span<const std::byte> SnapshotReader::bytes(std::size_t count) {
  require(count <= left_.size());
  const std::span<const std::byte> result = left_.first(count);
  left_ = left_.subspan(count);
  return result;
}

std::string SnapshotReader::text() {
  const std::vector<char> data = list<char>();
  return {data.begin(), data.end()};
}

void SnapshotReader::require(bool holds) const {
  if (!holds) throw Error("The snapshot " + file_.path().string() + " is damaged.");
}

}  // namespace runnel

#include "runnel/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "convert/folder_tensors.h"
#include "convert/gguf_hyperparameters.h"
#include "convert/gguf_tokenizer.h"
#include "convert/tensor_encoder.h"
#include "format/atomic_file.h"
#include "format/gguf_writer.h"
#include "format/printable.h"
#include "model/read_text_parts.h"
#include "model/weight_source.h"
#include "runnel/error.h"
#include "runnel/threads.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// Adds tensors to a file, each computed when it is its turn, and counts what has been done.
class TensorQueue {
 public:
  TensorQueue(GgufWriter& writer, const TensorEncoder& encoder, const Model::Progress& progress)
      : writer_(writer), encoder_(encoder), progress_(progress) {}

  /// Every tensor is read twice: to decide on its type, and to be written.
  void expect(std::size_t bytes) { total_ = 2.0 * static_cast<double>(bytes); }

  /// `release` gives back the pages of the source.
  void add(PlannedTensor tensor, const std::function<void(const TensorView&)>& release) {
    const BlockType type = encoder_.type_of(tensor);
    advance(tensor.source.data.size());
    release(tensor.source);
    count(type);
    target_bytes_ += bytes_of(type, tensor.source.data.size() / bytes_of(tensor.source.type, 1));
    const TensorView target{.name = tensor.name, .type = type, .shape = tensor.shape, .data = {}};
    writer_.add_tensor(target, [this, type, release, tensor = std::move(tensor)] {
      std::vector<std::byte> data = encoder_.encode(tensor, type);
      release(tensor.source);
      advance(tensor.source.data.size());
      return data;
    });
  }

  void add_as_it_is(const TensorView& tensor) {
    count(tensor.type);
    target_bytes_ += tensor.data.size();
    advance(tensor.data.size());
    writer_.add_tensor(tensor, [this, &tensor] {
      encoder_.check_stop();
      advance(tensor.data.size());
      return std::vector<std::byte>(tensor.data.begin(), tensor.data.end());
    });
  }

  std::uintmax_t target_bytes() const { return target_bytes_; }

  void count(BlockType type) { ++counts_[std::string(traits(type).name)]; }

  std::vector<std::pair<std::string, int>> counts() const {
    std::vector<std::pair<std::string, int>> sorted(counts_.begin(), counts_.end());
    std::ranges::stable_sort(sorted, std::greater(), &std::pair<std::string, int>::second);
    return sorted;
  }

 private:
  void advance(std::size_t bytes) {
    done_ += static_cast<double>(bytes);
    if (progress_) progress_(std::min(1.0, done_ / std::max(1.0, total_)));
  }

  GgufWriter& writer_;
  const TensorEncoder& encoder_;
  const Model::Progress& progress_;
  std::map<std::string, int> counts_;
  std::uintmax_t target_bytes_ = 0;
  double total_ = 1;
  double done_ = 0;
};

// general.file_type (specification, enumeration ggml_ftype).
std::uint32_t file_type(const QuantizeOptions& options) {
  switch (options.weight_dtype) {
    case WeightType::f32:
      return 0;
    case WeightType::f16:
      return 1;
    case WeightType::int8:
      return 7;
    case WeightType::bf16:
      return 32;
    default:
      return options.scheme == Scheme::sym ? 2 : 3;
  }
}

void write_kind(GgufWriter& writer, const QuantizeOptions& options) {
  constexpr std::uint32_t version_of_the_blocks = 2;
  writer.set("general.file_type", file_type(options));
  writer.set("general.quantization_version", version_of_the_blocks);
}

// False when the folder has no tokenizer at all.
bool write_text(GgufWriter& writer, const HfFolder& folder, const Config& config) {
  const TextParts parts = read_text_parts(folder);
  if (!parts.chat_template.empty()) writer.set("tokenizer.chat_template", parts.chat_template);
  if (parts.vocabulary) {
    write_vocabulary(writer, *parts.vocabulary, config.n_vocab, config.name);
    return true;
  }
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"}) {
    if (fs::exists(folder.path() / name))
      throw Error(config.name +
                  " can't be saved as GGUF, because its tokenizer can't be read: " + parts.vocabulary_problem);
  }
  writer.set("tokenizer.ggml.model", "none");
  return false;
}

void add_rope_divisors(GgufWriter& writer, TensorQueue& queue, const RopeConfig& rope) {
  const std::vector<float> divisors = rope_divisors(rope);
  if (divisors.empty()) return;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(divisors));
  const TensorView view{.name = "rope_freqs.weight",
                        .type = BlockType::f32,
                        .shape = {static_cast<std::int64_t>(divisors.size())},
                        .data = {}};
  queue.count(view.type);
  writer.add_tensor(view, [data = std::vector<std::byte>(bytes.begin(), bytes.end())] { return data; });
}

bool add_folder(const HfFolder& folder, GgufWriter& writer, TensorQueue& queue) {
  const Config config = read_config(folder);
  write_hyperparameters(writer, config);
  const bool has_tokenizer = write_text(writer, folder, config);
  std::vector<PlannedTensor> tensors = tensors_of_folder(folder, config);
  std::size_t bytes = 0;
  for (const PlannedTensor& tensor : tensors) bytes += tensor.source.data.size();
  queue.expect(bytes);
  add_rope_divisors(writer, queue, config.ropes.front());
  for (PlannedTensor& tensor : tensors)
    queue.add(std::move(tensor), [&folder](const TensorView& source) { folder.release(source); });
  return has_tokenizer;
}

bool is_float(BlockType type) {
  return type == BlockType::f32 || type == BlockType::f16 || type == BlockType::bf16;
}

// Which matrices of a GGUF file are rounded, by the names that all architectures share. Routers of mixtures of experts
// and whatever has another name decide too much and weigh too little.
std::optional<MatrixUse> use_of(const TensorView& tensor) {
  const std::string_view name = tensor.name;
  if (tensor.shape.size() < 2 || !is_float(tensor.type) || !name.ends_with(".weight")) return std::nullopt;
  if (name == "token_embd.weight" || name == "output.weight") return MatrixUse::vocabulary;
  const auto holds = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
  const bool of_a_block = name.starts_with("blk.") && (holds(".attn_") || holds(".ffn_"));
  if (!of_a_block || holds("_norm") || holds(".ffn_gate_inp")) return std::nullopt;
  return MatrixUse::layer;
}

bool belongs_to_the_file(std::string_view key) {
  return key == "general.alignment" || key.starts_with("split.");
}

bool add_gguf(const GgufFile& file, GgufWriter& writer, TensorQueue& queue) {
  for (const GgufValue& value : file.values()) {
    if (!belongs_to_the_file(value.key)) writer.copy(file, value);
  }
  std::size_t bytes = 0;
  for (const TensorView& tensor : file.tensors()) bytes += tensor.data.size();
  queue.expect(bytes);
  for (const TensorView& tensor : file.tensors()) {
    const auto use = use_of(tensor);
    if (!use) {
      queue.add_as_it_is(tensor);
      continue;
    }
    queue.add({.source = tensor, .name = tensor.name, .shape = tensor.shape, .row_of = {}, .use = use, .added = 0},
              [&file](const TensorView& source) { file.release(source); });
  }
  return file.has("tokenizer.ggml.tokens");
}

void refuse_itself(const fs::path& source, const fs::path& target) {
  std::error_code none;
  if (fs::exists(target) && fs::equivalent(source, target, none))
    throw Error(printable_path(target) + " can't be source and target at once; choose another name.");
  if (fs::is_directory(target, none)) throw Error(printable_path(target) + " can't be written: it is a folder.");
}

// What can be known before hours of work.
void check_target(const fs::path& target) {
  const AtomicFile attempt(target);
}

void check_space(const fs::path& target, std::uintmax_t bytes) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code unknown;
  const fs::space_info space = fs::space(folder, unknown);
  if (unknown || space.available >= bytes) return;
  constexpr std::uintmax_t megabyte = 1'000'000;
  throw Error(fmt::format("{} can't be written: it needs {} MB and its disk has {} MB left.", printable_path(target),
                          (bytes + megabyte - 1) / megabyte, space.available / megabyte));
}

}  // namespace

void check(const QuantizeOptions& options) {
  check_group_size(options.group_size);
  if (options.weight_dtype == WeightType::automatic || options.weight_dtype == WeightType::as_is)
    throw Error("A file is saved with weights of type int4, int8, f16, bf16 or f32; choose one of them.");
  if (options.weight_dtype == WeightType::int8 && options.scheme == Scheme::asym) {
    throw Error(
        "GGUF has no asymmetric weights of 8 bits; choose the scheme sym, which at 8 bits loses nothing that can "
        "be measured.");
  }
}

QuantizeReport quantize(const fs::path& source, const fs::path& target, const QuantizeOptions& options,
                        const Model::Progress& progress, std::stop_token stop) {
  check(options);
  if (!fs::exists(source)) throw Error("There is no model at " + printable_path(source) + ".");
  refuse_itself(source, target);
  check_target(target);
  ThreadPool pool(options.threads > 0 ? options.threads : default_threads());
  const fs::path name = source.has_filename() ? source.filename() : source.parent_path().filename();
  const TensorEncoder encoder(options, pool, std::move(stop), printable_path(name));
  GgufWriter writer;
  TensorQueue queue(writer, encoder, progress);
  QuantizeReport report;
  std::optional<HfFolder> folder;  // what is opened lives until the file is written
  std::optional<GgufFile> file;
  if (fs::is_directory(source)) {
    folder = HfFolder::open(source);
    report.has_tokenizer = add_folder(*folder, writer, queue);
  } else {
    file = GgufFile::open(source);
    report.has_tokenizer = add_gguf(*file, writer, queue);
  }
  write_kind(writer, options);
  check_space(target, queue.target_bytes());
  writer.write(target);
  report.bytes = fs::file_size(target);
  report.tensor_types = queue.counts();
  return report;
}

}  // namespace runnel

#include "model/facts.h"
#include "model/fingerprint.h"
#include "model/loaded_model.h"
#include "model/read_text_parts.h"
#include "runnel/error.h"
#include "runnel/threads.h"
#include "tokenizer/vocabulary.h"

namespace runnel {

namespace fs = std::filesystem;

/// Builds a LoadedModel from either format.
class ModelLoader {
 public:
  using Tensors = std::vector<const TensorView*>;
  using Continuation = std::function<void(LoadedModel&, const WeightSource&, const Tensors&)>;

  static std::shared_ptr<LoadedModel> open(const fs::path& path, const LoadOptions& options, const Continuation& with) {
    check_group_size(options.group_size);
    if (!fs::exists(path)) throw Error("There is no model at " + path.string() + ".");
    return fs::is_directory(path) ? open_folder(path, options, with) : open_gguf(path, options, with);
  }

  static void load(LoadedModel& model, const WeightSource& source, const Tensors& tensors, const LoadOptions& options,
                   const Model::Progress& progress, std::stop_token stop) {
    model.facts_.fingerprint = fingerprint_of(model.facts_, tensors, resolved(options, source));
    ThreadPool pool(options.threads > 0 ? options.threads : default_threads());
    model.weights_ = load_weights(source, model.config_, resolved(options, source), pool, progress, std::move(stop));
    model.facts_.weight_bytes = model.weights_.bytes();
  }

 private:
  static LoadOptions resolved(LoadOptions options, const WeightSource& source) {
    if (options.weight_dtype == WeightType::automatic) options.weight_dtype = source.usual_weight_type();
    return options;
  }

  static std::shared_ptr<LoadedModel> make(const Config& config, const Tensors& tensors, const WeightSource& source,
                                           const LoadOptions& options) {
    auto model = std::make_shared<LoadedModel>(config, facts_from(config, tensors));
    const FileNames names(source, *source.storage(*config.family).names);
    model->facts_.weight_bytes = held_bytes(tensors, names, resolved(options, source));
    return model;
  }

  static std::shared_ptr<LoadedModel> open_gguf(const fs::path& path, const LoadOptions& options,
                                                const Continuation& with) {
    const GgufFile file = GgufFile::open(path);
    const GgufSource source(file);
    Tensors tensors;
    for (const TensorView& tensor : file.tensors()) tensors.push_back(&tensor);
    auto model = make(read_config(file), tensors, source, options);
    model->facts_.format = "GGUF v" + std::to_string(file.version());
    model->facts_.file_bytes = file.file_bytes();
    read_text(*model, read_text_parts(file));
    with(*model, source, tensors);
    return model;
  }

  static std::shared_ptr<LoadedModel> open_folder(const fs::path& path, const LoadOptions& options,
                                                  const Continuation& with) {
    const HfFolder folder = HfFolder::open(path);
    const HfSource source(folder);
    Tensors tensors;
    for (const SafetensorsFile& file : folder.files()) {
      for (const TensorView& tensor : file.tensors()) tensors.push_back(&tensor);
    }
    auto model = make(read_config(folder), tensors, source, options);
    model->facts_.format = "Hugging Face folder";
    read_text(*model, read_text_parts(folder));
    with(*model, source, tensors);
    return model;
  }

  static void read_text(LoadedModel& model, TextParts parts) {
    model.tokenizer_problem_ = parts.vocabulary_problem;
    if (parts.vocabulary) {
      const std::string description = parts.vocabulary->model == "gpt2"
                                          ? "byte-level BPE (" + parts.vocabulary->pre + ")"
                                          : parts.vocabulary->model;
      try {
        model.tokenizer_ = make_tokenizer(std::move(*parts.vocabulary));
        check_vocabulary(model);
        model.facts_.tokenizer = description + ", " + std::to_string(model.tokenizer_->size()) + " tokens";
      } catch (const Error& error) {
        model.tokenizer_.reset();
        model.tokenizer_problem_ = error.what();
      }
    }
    if (!model.tokenizer_) model.facts_.tokenizer = "none: " + model.tokenizer_problem_;
    model.facts_.has_chat_template = !parts.chat_template.empty();
    try {
      if (!parts.chat_template.empty()) model.template_ = std::make_unique<ChatTemplate>(parts.chat_template);
    } catch (const Error& error) {
      model.facts_.template_problem = error.what();
    }
    if (!model.template_)
      model.template_ = std::make_unique<ChatTemplate>(fallback_template(model.config_.architecture));
  }

  static void check_vocabulary(const LoadedModel& model) {
    if (model.tokenizer_->size() <= model.config_.n_vocab) return;
    throw Error("The vocabulary has " + std::to_string(model.tokenizer_->size()) + " tokens and the embedding only " +
                std::to_string(model.config_.n_vocab) + " rows.");
  }
};

std::shared_ptr<const Model> Model::load(const fs::path& path, const LoadOptions& options, const Progress& progress,
                                         std::stop_token stop) {
  return ModelLoader::open(path, options,
                           [&](LoadedModel& model, const WeightSource& source, const ModelLoader::Tensors& tensors) {
                             ModelLoader::load(model, source, tensors, options, progress, std::move(stop));
                           });
}

std::shared_ptr<const Model> Model::open_without_weights(const fs::path& path, const LoadOptions& options) {
  return ModelLoader::open(path, options, [](LoadedModel&, const WeightSource&, const ModelLoader::Tensors&) {});
}

std::unique_ptr<const Tokenizer> open_tokenizer(const fs::path& path) {
  if (!fs::exists(path)) throw Error("There is no model at " + path.string() + ".");
  TextParts parts =
      fs::is_directory(path) ? read_text_parts(HfFolder::open(path)) : read_text_parts(GgufFile::open(path));
  try {
    if (parts.vocabulary) return make_tokenizer(*parts.vocabulary);
  } catch (const Error& error) {
    parts.vocabulary_problem = error.what();
  }
  const fs::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
  throw Error(name.string() + " can't read or write text: " + parts.vocabulary_problem);
}

const Tokenizer& LoadedModel::tokenizer() const {
  if (!tokenizer_) throw Error(config_.name + " can't read or write text: " + tokenizer_problem_);
  return *tokenizer_;
}

}  // namespace runnel

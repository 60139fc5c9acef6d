#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace runnel {

/// What went wrong, as one sentence for the user: it names the file, tensor, key or setting, the value found and what
/// would have been right. `context` is for the log only. The only exception type that leaves the engine.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, std::string context = {})
      : std::runtime_error(message), context_(std::move(context)) {}

  /// Details for the log; may be empty, never shown to the user.
  const std::string& context() const noexcept { return context_; }

 private:
  std::string context_;
};

/// Thrown where work was stopped because somebody asked for it (Session::cancel, a stop token while loading).
class Cancelled : public Error {
 public:
  Cancelled() : Error("Stopped.") {}
};

}  // namespace runnel

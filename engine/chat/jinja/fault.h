#pragma once

#include <stdexcept>
#include <string>

namespace runnel::jinja {

/// What went wrong while a template is parsed or rendered, without its place; the parser and the interpreter add the
/// line and turn it into an Error. Never leaves engine/chat.
class Fault : public std::runtime_error {
 public:
  explicit Fault(const std::string& what) : std::runtime_error(what) {}
};

/// The template itself called raise_exception: it refuses this conversation.
class Refusal : public Fault {
 public:
  using Fault::Fault;
};

}  // namespace runnel::jinja

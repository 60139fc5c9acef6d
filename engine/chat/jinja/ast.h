#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/jinja/operators.h"
#include "chat/jinja/value.h"

namespace runnel::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Block = std::vector<std::unique_ptr<Statement>>;

/// Arguments of a call, a filter or a test.
struct ArgumentList {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;         ///< `*list`
  ExpressionPtr double_star;  ///< `**dict`
};

/// One step of a chain such as `message['content'].strip() | upper is defined`.
struct Link {
  enum class Kind : std::uint8_t { attribute, subscript, slice, call, filter, test };
  Kind kind;
  int line = 0;
  std::string name;         ///< of an attribute, a filter or a test
  ExpressionPtr index[3];   ///< subscript: the first; slice: start, stop, step, each may be null
  ArgumentList arguments;   ///< of a call, a filter or a test
  Function code = nullptr;  ///< of a filter or a test; null when there is none of that name
  bool negated = false;     ///< `is not`
};

/// Chains (operators of one precedence, links) are flat, so that depth comes from nesting alone, which is limited.
struct Expression {
  enum class Kind : std::uint8_t {
    constant,
    name,
    list,         ///< operands
    tuple,        ///< operands
    dict,         ///< operands: key, value, key, value …
    chain,        ///< operands[0], then links
    unary,        ///< operators[0] is add or subtract
    logical_not,  ///< operands[0]
    arithmetic,   ///< operands with operators between them, from left to right
    comparison,   ///< the same, as in a < b < c
    logical,      ///< the same, with one operator
    conditional,  ///< operands: value if true, condition, value if false (may be missing)
  };
  Kind kind;
  int line = 0;
  Value constant;  ///< None, bool, int64, double or Text only: it is shared by all renderings
  std::string name;
  std::vector<ExpressionPtr> operands;
  std::vector<Operator> operators;
  std::vector<Link> links;
};

/// What `set` and `for` assign to.
struct Target {
  enum class Kind : std::uint8_t { name, attribute, tuple };
  Kind kind = Kind::name;
  std::string name;
  std::string attribute;  ///< of the namespace `name`
  std::vector<Target> parts;
};

struct Parameter {
  std::string name;
  ExpressionPtr fallback;  ///< null when the argument may not be left out (then it is undefined)
};

struct Branch {
  ExpressionPtr condition;  ///< null for `else`
  Block body;
};

struct Statement {
  enum class Kind : std::uint8_t {
    data,
    print,    ///< values[0]
    choice,   ///< branches
    loop,     ///< target, values[0] is walked through, values[1] filters (may be null), body, alternative
    assign,   ///< target = values[0]
    capture,  ///< target = body, through filters
    filter,   ///< body through filters
    macro,    ///< name, parameters, body
    call,     ///< values[0] is called with `caller` = parameters and body
    scope,    ///< `with` (targets in `assigned`) and `generation`: body in a scope of its own
    break_loop,
    continue_loop,
  };
  Kind kind;
  int line = 0;
  Text data;
  std::string name;
  Target target;
  std::vector<Target> assigned;
  std::vector<ExpressionPtr> values;
  std::vector<Link> filters;
  std::vector<Branch> branches;
  std::vector<Parameter> parameters;
  Block body;
  Block alternative;
};

}  // namespace runnel::jinja

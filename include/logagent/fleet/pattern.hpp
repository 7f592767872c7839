#pragma once

#include <memory>
#include <string_view>

#include "logagent/base/error.hpp"

namespace re2 {
class RE2;
}

namespace logagent::fleet {

/// Compiles an RE2 of `keep`, `drop`, `mask` or `multiline`, the one way all of them are compiled:
/// UTF-8, at most 1 MiB for each, nothing written to standard error. Matching is linear in the
/// line. Code "pattern"; the text says what is wrong with it.
base::result<std::shared_ptr<const re2::RE2>> compile_pattern(std::string_view pattern);

/// Why `with` cannot replace what `pattern` matches, or an empty text. `\1` is the first group.
std::string replacement_problem(const re2::RE2& pattern, std::string_view with);

}  // namespace logagent::fleet

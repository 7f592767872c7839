#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace logagent::base {

// Patterns for paths and topics: `*` any run of characters within one path component, `?` one
// character, `[a-z]`, `[!a-z]` and `[^a-z]` one of a set, `**` as a whole component any number of
// components, none included (at the end at least one). A dot at the start of a name is nothing
// special, a backslash neither: `[*]` is how a star is meant literally. Time is at most the product
// of both lengths.

/// Whether the whole text fits.
bool glob_matches(std::string_view pattern, std::string_view text) noexcept;

/// Whether the path, or a directory it lies in, fits: how lists of roots (allow_paths, deny_paths)
/// are meant. "/" covers every absolute path.
bool glob_covers(std::string_view pattern, std::string_view path) noexcept;

/// Whether something below `directory` could fit, so that a search has to go into it.
bool glob_may_lie_below(std::string_view pattern, std::string_view directory) noexcept;

bool is_glob(std::string_view pattern) noexcept;

/// What stands before the first special character.
std::string_view glob_literal_prefix(std::string_view pattern) noexcept;

/// The deepest directory that every match lies in: "/var/log" for "/var/log/app-*/x.log". Requires
/// an absolute pattern.
std::string_view glob_directory(std::string_view pattern) noexcept;

/// Why the pattern is not one, or nothing.
std::optional<std::string> glob_problem(std::string_view pattern);

}  // namespace logagent::base

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/schema.hpp"

namespace logagent::base {

/// One thing that is wrong with a configuration.
struct setting_problem {
    std::string where;  // "agent.ini:12", "--set"; the file alone for what is missing
    std::string key;    // "" if no key could be read
    std::string text;   // the value, and what is allowed

    /// "agent.ini:12: etcd_timeout = x: not a whole number; allowed: 1 to 3600 s"
    std::string line() const;

    bool operator==(const setting_problem&) const = default;
};

/// A `key = value` as somebody wrote it, and where.
struct written_setting {
    std::string where;
    std::string key;  // lower case
    std::string value;
    std::string problem = {};  // not empty: it is no `key = value`, and this is why
};

/// Reads the text of an INI file without sections, then `overrides` ("key=value", from --set),
/// which stand behind it and so win. `kind` is what messages call such a file: "agent.ini". Pure.
std::vector<written_setting> read_settings(std::string_view text, const std::string& file,
                                           std::string_view kind,
                                           std::span<const std::string> overrides);

/// The complaint about a key that no row has, with the one that was probably meant.
setting_problem unknown_setting(const written_setting& given, std::span<const schema_row> rows);

/// The complaint about a value: what was given, then `why`.
setting_problem bad_setting(const written_setting& given, const std::string& why);

}  // namespace logagent::base

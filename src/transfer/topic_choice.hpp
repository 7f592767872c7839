#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/error.hpp"

namespace logagent::transfer {

/// Which topics a route reads: names, or a regular expression.
struct topic_choice {
    std::vector<std::string> topics;
    std::string pattern;  // without the `~`
};

/// Reads what stands behind `topics =`. The client that watches for new topics matches with the
/// expressions of POSIX, so only what RE2 and POSIX read alike is taken.
base::result<topic_choice> read_topics(std::string_view text);

/// What the client subscribes to.
std::vector<std::string> subscription(const std::vector<std::string>& topics,
                                      const std::string& pattern);

/// Names that an expression never matches, as the client's `topic.blacklist`.
inline constexpr std::string_view hidden_topics = "^.*[.]dead$,^_logagent[.].*,^__.*";

}  // namespace logagent::transfer

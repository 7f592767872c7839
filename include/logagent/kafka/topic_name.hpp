#pragma once

#include <algorithm>
#include <string_view>

namespace logagent::kafka {

/// Kafka's own rule: 1 to 249 of `a-z A-Z 0-9 . _ -`, not "." or "..". librdkafka does not check
/// it.
inline bool valid_topic_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace logagent::kafka

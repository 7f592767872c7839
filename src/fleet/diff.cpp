#include "logagent/fleet/diff.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace logagent::fleet {

namespace {

using identity = std::pair<std::string_view, std::string_view>;

std::map<identity, const log_target*> by_identity(std::span<const log_target> targets) {
    std::map<identity, const log_target*> out;
    for (const auto& target : targets)
        out.try_emplace({target.log_path, target.topic}, &target);
    return out;
}

}  // namespace

target_diff diff(std::span<const log_target> running, std::span<const log_target> wanted) {
    const auto known = by_identity(running);
    const auto kept = by_identity(wanted);
    target_diff out;
    for (const auto& target : wanted) {
        const auto before = known.find({target.log_path, target.topic});
        if (before == known.end()) {
            out.started.push_back(target);
        } else if (*before->second == target) {
            out.same.push_back(target);
        } else {
            out.changed.push_back({*before->second, target});
        }
    }
    for (const auto& target : running)
        if (!kept.contains({target.log_path, target.topic})) out.stopped.push_back(target);
    return out;
}

}  // namespace logagent::fleet

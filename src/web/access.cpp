#include "access.hpp"

#include <algorithm>
#include <array>

#include "logagent/base/glob.hpp"

namespace logagent::web {

namespace {

constexpr std::array<std::string_view, 4> names{"viewer", "tailer", "editor", "admin"};

}  // namespace

std::string_view name(role which) noexcept {
    return names[static_cast<std::size_t>(which)];
}

std::optional<role> parse_role(std::string_view text) noexcept {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return std::nullopt;
    return static_cast<role>(found - names.begin());
}

bool principal::covers(std::string_view service) const {
    return covers_all() || std::ranges::any_of(services, [&](const std::string& glob) {
               return base::glob_matches(glob, service);
           });
}

bool principal::covers_all() const {
    return std::ranges::find(services, "*") != services.end();
}

}  // namespace logagent::web

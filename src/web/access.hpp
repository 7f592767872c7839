#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::web {

/// What a token allows; each role may do what those before it may.
enum class role : std::uint8_t {
    viewer,  // read configuration, hosts and status
    tailer,  // and see lines of logs
    editor,  // and change services
    admin,   // and tokens, hosts, the audit
};

std::string_view name(role which) noexcept;
std::optional<role> parse_role(std::string_view text) noexcept;

/// Who asks.
struct principal {
    std::string token_id;
    std::string name;
    role allowed = role::viewer;
    std::vector<std::string> services;  // globs

    /// Whether the role reaches, whatever the service.
    bool may(role needed) const noexcept { return allowed >= needed; }
    /// Whether a service of this name is his business at all.
    bool covers(std::string_view service) const;
    /// Not limited to some services, as what concerns all of them needs.
    bool covers_all() const;
};

}  // namespace logagent::web

#include "host_registry.hpp"

#include "logagent/base/json.hpp"

namespace logagent::web {

void host_registry::put(std::string_view host, std::string_view status, std::int64_t now_ms) {
    auto& one = hosts_[std::string{host}];
    if (!one.online) one.since_ms = now_ms;
    one.online = true;
    auto parsed = base::parse_json(status);
    one.status =
        parsed && parsed->is_object() ? std::move(parsed->get_object()) : boost::json::object{};
    seen_[std::string{host}] = true;
}

void host_registry::remove(std::string_view host, std::int64_t now_ms) {
    const auto found = hosts_.find(std::string{host});
    if (found == hosts_.end() || !found->second.online) return;
    found->second.online = false;
    found->second.since_ms = now_ms;
}

void host_registry::begin_snapshot() {
    seen_.clear();
}

void host_registry::end_snapshot(std::int64_t now_ms) {
    for (const auto& [host, record] : hosts_)
        if (!seen_.contains(host)) remove(host, now_ms);
    seen_.clear();
}

}  // namespace logagent::web

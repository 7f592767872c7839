#include "host_registry.hpp"

#include "logagent/base/json.hpp"

namespace logagent::web {

namespace {

std::vector<written_topic> topics_of(const boost::json::object& status) {
    std::vector<written_topic> out;
    const auto* const topics = status.if_contains("topics");
    if (!topics || !topics->is_array()) return out;
    for (const auto& one : topics->get_array()) {
        if (!one.is_object()) continue;
        const auto* const service = one.get_object().if_contains("service");
        const auto* const name = one.get_object().if_contains("topic");
        const auto* const numbers = one.get_object().if_contains("partitions");
        if (!service || !service->is_string() || !name || !name->is_string()) continue;
        auto& topic = out.emplace_back();
        topic.service = service->get_string();
        topic.topic = name->get_string();
        if (!numbers || !numbers->is_array()) continue;
        topic.partitions.emplace();
        for (const auto& number : numbers->get_array())
            if (number.is_int64())
                topic.partitions->push_back(static_cast<std::int32_t>(number.get_int64()));
    }
    return out;
}

}  // namespace

void host_registry::put(std::string_view host, std::string_view status, std::int64_t now_ms) {
    auto& one = hosts_[std::string{host}];
    if (!one.online) {
        one.since_ms = now_ms;
        ++version_;
    }
    one.online = true;
    auto reported = fleet::parse_status(status);
    const auto before = one.reported ? one.reported->ips : std::vector<std::string>{};
    one.reported.reset();
    // "<host>~<8 hex>" is a namesake of a host: shown, and never taken for the host itself.
    if (reported && reported->name == host) one.reported = *std::move(reported);
    // Most of what a status tells does not concern what the host collects.
    if (one.reported && (one.reported->ips != before || !one.known)) tell();
    auto parsed = base::parse_json(status);
    one.status =
        parsed && parsed->is_object() ? std::move(parsed->get_object()) : boost::json::object{};
    one.topics = topics_of(one.status);
    seen_[std::string{host}] = true;
}

void host_registry::remove(std::string_view host, std::int64_t now_ms) {
    const auto found = hosts_.find(std::string{host});
    if (found == hosts_.end() || !found->second.online) return;
    found->second.online = false;
    ++version_;
    found->second.since_ms = now_ms;
}

void host_registry::forget(std::string_view host) {
    const auto found = hosts_.find(std::string{host});
    if (found == hosts_.end() || found->second.online) return;
    hosts_.erase(found);
    ++version_;
}

void host_registry::put_document(std::string_view host, std::string_view document,
                                 std::int64_t mod_revision) {
    auto read = fleet::parse_stored_host(document);
    auto& one = hosts_[std::string{host}];
    one.known.reset();
    // One that cannot be read is as if it were not there; its labels select nothing.
    if (read.errors.empty()) one.known = std::move(read.value);
    one.known_revision = mod_revision;
    documented_.insert(std::string{host});
    tell();
}

void host_registry::remove_document(std::string_view host) {
    const auto found = hosts_.find(std::string{host});
    if (found == hosts_.end()) return;
    found->second.known.reset();
    found->second.known_revision = 0;
    ++version_;
    // Somebody has taken it out of the inventory; only its agent brings it back.
    if (!found->second.online) hosts_.erase(found);
}

std::optional<fleet::host> host_registry::host_of(const host_record& one) {
    if (!one.reported && !one.known) return std::nullopt;
    auto out = one.reported ? fleet::learn(one.known, *one.reported) : *one.known;
    out.live = one.online;
    return out;
}

std::vector<fleet::host> host_registry::inventory() const {
    std::vector<fleet::host> out;
    for (const auto& [name, record] : hosts_)
        if (auto host = host_of(record)) out.push_back(*std::move(host));
    return out;
}

void host_registry::begin_snapshot() {
    seen_.clear();
    documented_.clear();
}

void host_registry::end_snapshot(std::int64_t now_ms) {
    for (const auto& [host, record] : hosts_)
        if (!seen_.contains(host)) remove(host, now_ms);
    for (auto& [host, record] : hosts_) {
        if (record.known_revision == 0 || documented_.contains(host)) continue;
        record.known.reset();
        record.known_revision = 0;
        ++version_;
    }
    seen_.clear();
    documented_.clear();
}

}  // namespace logagent::web

#include "etcd_routes.hpp"

#include <boost/json/serialize.hpp>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/base/log.hpp"

namespace logagent::transfer {

etcd_routes::etcd_routes(std::string prefix, std::vector<sink_settings> sinks,
                         std::set<std::string> local, actions to)
    : prefix_{std::move(prefix)},
      sinks_{std::move(sinks)},
      local_{std::move(local)},
      to_{std::move(to)} {}

void etcd_routes::restore(const std::map<std::string, std::string>& saved) {
    for (const auto& [name, value] : saved)
        put(name, value, 0);
}

void etcd_routes::snapshot(etcd::snapshot now) {
    std::set<std::string> there;
    for (const auto& entry : now.keys) {
        if (!entry.key.starts_with(prefix_)) continue;
        const auto name = entry.key.substr(prefix_.size());
        there.insert(name);
        put(name, entry.value, entry.mod_revision);
    }
    vanished_.clear();
    for (const auto& [name, value] : running_)
        if (!there.contains(name)) vanished_.insert(name);
    for (const auto& name : vanished_)
        LOGAGENT_LOG(warn, "transfer.vanished",
                     "route " << name << " is not in etcd any more, but nobody was seen deleting "
                              << "it: it goes on; put it and delete it to stop it");
}

void etcd_routes::changed(etcd::event change) {
    if (!change.entry.key.starts_with(prefix_)) return;
    const auto name = change.entry.key.substr(prefix_.size());
    vanished_.erase(name);
    if (change.what == etcd::event::kind::put)
        put(name, change.entry.value, change.entry.mod_revision);
    else
        remove(name);
}

void etcd_routes::state(connection now, const std::string& text) {
    const bool connected = now == connection::connected;
    if (!connected) LOGAGENT_LOG(warn, "transfer.etcd", text << "; the routes go on");
    if (connected && !trouble_.empty()) LOGAGENT_LOG(info, "transfer.etcd", "etcd answers");
    trouble_ = connected ? std::string{} : text;
}

void etcd_routes::put(const std::string& name, const std::string& value, std::int64_t revision) {
    const auto known = running_.find(name);
    if (known != running_.end() && known->second == value) {
        revisions_[name] = revision;
        refused_.erase(name);
        return;
    }
    const auto refuse = [&](const std::string& why) {
        refused_[name] = {why, revision};
        LOGAGENT_LOG(error, "transfer.refused_route",
                     prefix_ << name << " is not used: " << why
                             << (known == running_.end() ? "" : "; what ran before goes on"));
    };
    if (local_.contains(name)) return refuse("a route of this name stands in the local file");
    auto read = load_route(name, value, prefix_ + name, sinks_);
    if (!read.route) {
        std::string all;
        for (const auto& problem : read.problems)
            all += (all.empty() ? "" : "; ") + problem.line();
        return refuse(all);
    }
    refused_.erase(name);
    running_[name] = value;
    revisions_[name] = revision;
    LOGAGENT_LOG(info, "transfer.route", "route " << name << " runs as it stands in etcd");
    to_.set(*std::move(read.route));
    to_.changed();
}

void etcd_routes::remove(const std::string& name) {
    refused_.erase(name);
    revisions_.erase(name);
    if (running_.erase(name) == 0) return;
    LOGAGENT_LOG(info, "transfer.route", "route " << name << " was deleted; it drains and stops");
    to_.remove(name);
    to_.changed();
}

std::int64_t etcd_routes::revision_of(const std::string& name) const {
    const auto found = revisions_.find(name);
    return found == revisions_.end() ? 0 : found->second;
}

std::vector<std::string> etcd_routes::complaints() const {
    std::vector<std::string> out;
    for (const auto& [name, refused] : refused_)
        out.push_back(prefix_ + name + " is not used: " + refused.why);
    for (const auto& name : vanished_)
        out.push_back(prefix_ + name + " is not in etcd any more; it goes on");
    return out;
}

std::string routes_text(const std::map<std::string, std::string>& running) {
    base::json::object all;
    for (const auto& [name, value] : running)
        all[name] = value;
    return base::json::serialize(base::json::object{{"v", 1}, {"routes", std::move(all)}}) + "\n";
}

std::map<std::string, std::string> read_routes_text(std::string_view text) {
    std::map<std::string, std::string> out;
    const auto parsed = base::parse_json(text);
    const auto* object = parsed ? parsed->if_object() : nullptr;
    const auto* routes = object ? object->if_contains("routes") : nullptr;
    if (!routes || !routes->is_object()) return out;
    for (const auto& [name, value] : routes->get_object())
        if (value.is_string()) out[std::string{name}] = std::string{value.get_string()};
    return out;
}

}  // namespace logagent::transfer

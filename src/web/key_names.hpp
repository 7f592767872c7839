#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace logagent::web {

/// Where in etcd what lies. `prefix` begins and ends with '/'.
class key_names {
public:
    explicit key_names(std::string prefix) : prefix_{std::move(prefix)} {}

    const std::string& prefix() const noexcept { return prefix_; }

    std::string services() const { return prefix_ + "_meta/services/"; }
    std::string service(std::string_view name) const { return services() + std::string{name}; }
    /// Of one service; service names hold no '/'.
    std::string revisions(std::string_view service) const {
        return prefix_ + "_meta/rev/" + std::string{service} + "/";
    }
    std::string revision(std::string_view service, std::int64_t number) const {
        return revisions(service) + std::to_string(number);
    }
    std::string tokens() const { return prefix_ + "_meta/tokens/"; }
    std::string token(std::string_view id) const { return tokens() + std::string{id}; }
    /// Named by the SHA-256 of what the cookie holds.
    std::string sessions() const { return prefix_ + "_meta/sessions/"; }
    std::string session(std::string_view hash) const { return sessions() + std::string{hash}; }
    std::string audits() const { return prefix_ + "_meta/audit/"; }
    std::string audit(std::string_view ulid) const { return audits() + std::string{ulid}; }
    std::string answers() const { return prefix_ + "_meta/idempotency/"; }
    std::string answer(std::string_view hash) const { return answers() + std::string{hash}; }
    std::string plans() const { return prefix_ + "_meta/plans/"; }
    std::string plan(std::string_view id) const { return plans() + std::string{id}; }
    /// What web wrote last for an address, as its content_hash().
    std::string rendered() const { return prefix_ + "_meta/rendered/"; }
    std::string rendered(std::string_view address) const {
        return rendered() + std::string{address};
    }
    std::string rollouts() const { return prefix_ + "_meta/rollouts/"; }
    std::string rollout(std::string_view id) const { return rollouts() + std::string{id}; }
    /// Holds the id of the rollout that a service is in.
    std::string rolling() const { return prefix_ + "_meta/rolling/"; }
    std::string rolling(std::string_view service) const { return rolling() + std::string{service}; }
    /// Changes of which some keys of hosts are still to be written.
    std::string applies() const { return prefix_ + "_meta/applies/"; }
    std::string apply(std::string_view ulid) const { return applies() + std::string{ulid}; }
    /// Processes that serve this key space, under their leases, and the one of them that drives.
    std::string replicas() const { return prefix_ + "_meta/replicas/"; }
    std::string replica(std::string_view id) const { return replicas() + std::string{id}; }
    std::string leader() const { return prefix_ + "_meta/leader"; }
    std::string hosts() const { return prefix_ + "_meta/hosts/"; }
    std::string host(std::string_view name) const { return hosts() + std::string{name}; }
    std::string command(std::string_view host, std::string_view id) const {
        return prefix_ + "_cmd/" + std::string{host} + "/" + std::string{id};
    }
    std::string result(std::string_view host, std::string_view id) const {
        return prefix_ + "_result/" + std::string{host} + "/" + std::string{id};
    }
    std::string replays() const { return prefix_ + "_meta/replays/"; }
    std::string replay(std::string_view id) const { return replays() + std::string{id}; }
    /// Routes of `logagent transfer`, and its processes as they show themselves.
    std::string routes() const { return prefix_ + "_transfer/routes/"; }
    std::string route(std::string_view name) const { return routes() + std::string{name}; }
    std::string transfers() const { return prefix_ + "_transfer/status/"; }
    std::string statuses() const { return prefix_ + "_status/"; }

private:
    std::string prefix_;
};

/// What stands behind `prefix` in `key`.
inline std::string_view behind(std::string_view key, std::string_view prefix) {
    return key.starts_with(prefix) ? key.substr(prefix.size()) : std::string_view{};
}

}  // namespace logagent::web

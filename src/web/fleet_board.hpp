#pragma once

#include <boost/asio/awaitable.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fleet_state.hpp"
#include "host_failure.hpp"

namespace logagent::web {

/// What is rendered for the fleet at one moment. Never changes once it is made.
struct fleet_view {
    fleet_state state;  // without keys
    fleet::rendering wanted;
    std::map<std::string, std::vector<std::string>> hosts;  // that each service has, by service
    std::string broken;  // why nothing is rendered; empty = it is

    std::span<const std::string> hosts_of_service(const std::string& name) const;
};

/// Keeps that view, which is much to compute, for as long as definitions and hosts stay as they
/// are. For what is only shown and watched: a change reads everything itself.
class fleet_board {
public:
    explicit fleet_board(parts& with) : with_{with} {}

    /// Asks etcd whether anything has changed; throws `refused` (503).
    boost::asio::awaitable<std::shared_ptr<const fleet_view>> look();

private:
    /// What the view depends on.
    struct mark {
        std::int64_t services = -1;  // newest mod_revision
        std::int64_t service_count = 0;
        std::int64_t rollouts = 0;
        std::int64_t rollout_count = 0;
        std::uint64_t hosts = 0;  // host_registry::version()
        bool operator==(const mark&) const = default;
    };

    boost::asio::awaitable<mark> probe();

    parts& with_;
    mark at_;
    std::shared_ptr<const fleet_view> view_;
};

/// How one host is about one service.
enum class service_host_state { applied, failed, waiting, offline };

struct service_host {
    service_host_state state = service_host_state::waiting;
    host_failure failure;  // of `failed`
};

service_host look_at(const fleet_view& view, const host_registry& hosts, const std::string& host,
                     const std::string& service);

}  // namespace logagent::web

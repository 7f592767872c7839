#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "live_feed.hpp"
#include "live_hub.hpp"

namespace logagent::web {

/// The changes that one client follows. Only what has changed is kept, not how often: when the
/// client is ready it gets each of it once, as it is then.
class change_feed final : public live_feed {
public:
    static constexpr std::size_t most_hosts = 2000;  // waiting; more = all is to be read again
    static constexpr std::size_t most_hosts_at_once = 200;  // in one event

    /// Shows a host as it is now; nothing = there is no such host any more.
    using host_view = std::function<std::optional<boost::json::object>(const std::string& host)>;

    /// `last_seen`: the id of the last event that the client has; nothing = it has none.
    change_feed(live_hub& hub, std::vector<live_topic> topics,
                std::optional<std::int64_t> last_seen, host_view show);
    ~change_feed() override;

    void changed(const live_change& change);
    /// What the client knows may be wrong.
    void reset();

    bool ready(clock::time_point now) const override;
    void take(std::string& out, clock::time_point now) override;

private:
    void note(const live_change& change);
    void take_hosts(std::string& out, const std::string& id);
    bool follows(const live_topic& topic) const { return topics_.contains(topic); }

    live_hub& hub_;
    std::set<live_topic> topics_;
    host_view show_;
    bool greeted_ = false;
    bool reset_ = false;
    std::size_t dropped_ = 0;       // hosts that were forgotten since they were too many
    std::set<std::string> hosts_;   // changed
    std::set<live_topic> objects_;  // services and rollouts that changed
};

}  // namespace logagent::web

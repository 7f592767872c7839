#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/etcd/watch.hpp"
#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

/// Routes as they stand in etcd: says what to start, to change and to stop.
///
/// Only a deletion that was seen stops a route: a list without it may be that of a cluster that was
/// wiped, and then what ran goes on. A value that cannot be used changes nothing that runs.
class etcd_routes final : public etcd::watch_handler {
public:
    struct actions {
        std::function<void(route_settings)> set;
        std::function<void(const std::string&)> remove;
        std::function<void()> changed;  // what runs is another set now, and should be saved
    };

    /// `local`: names of routes of the file, which win. `prefix`: "/logagent/_transfer/routes/".
    etcd_routes(std::string prefix, std::vector<sink_settings> sinks, std::set<std::string> local,
                actions to);

    /// The values that ran before, for a start without etcd. Called before the watch begins.
    void restore(const std::map<std::string, std::string>& saved);

    void snapshot(etcd::snapshot now) override;
    void changed(etcd::event change) override;
    void state(connection now, const std::string& text) override;

    /// Values of the routes that run, by name.
    const std::map<std::string, std::string>& running() const noexcept { return running_; }
    /// The mod_revision of the key whose value runs; 0 = it is none of etcd, or of the saved copy
    /// and not seen in etcd yet.
    std::int64_t revision_of(const std::string& name) const;
    /// A key whose value is not used.
    struct refusal {
        std::string why;
        std::int64_t revision = 0;  // its mod_revision
    };
    const std::map<std::string, refusal>& refused() const noexcept { return refused_; }
    /// Why keys are not used, or are used though they are gone.
    std::vector<std::string> complaints() const;
    /// Why etcd is not there; empty = it is.
    const std::string& trouble() const noexcept { return trouble_; }

private:
    void put(const std::string& name, const std::string& value, std::int64_t revision);
    void remove(const std::string& name);

    std::string prefix_;
    std::vector<sink_settings> sinks_;
    std::set<std::string> local_;
    actions to_;
    std::map<std::string, std::string> running_;
    std::map<std::string, std::int64_t> revisions_;  // of what runs, where etcd has it
    std::map<std::string, refusal> refused_;
    std::set<std::string> vanished_;
    std::string trouble_ = "etcd has not answered yet";
};

/// The file of the routes that ran last.
std::string routes_text(const std::map<std::string, std::string>& running);
std::map<std::string, std::string> read_routes_text(std::string_view text);

}  // namespace logagent::transfer

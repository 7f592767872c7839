#pragma once

// Where an agent's targets come from, and what became of them.
//
// A source reads documents, decides with config_state what they mean, hands the targets to the
// collector, and keeps the report that /status and `_status/<host>` show. What a person has to
// mend is always in the report; what ran before goes on running.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "logagent/agent/config_report.hpp"
#include "logagent/agent/settings.hpp"
#include "logagent/fleet/log_target.hpp"

namespace logagent::etcd {
class client;
}

namespace logagent::agent {

class config_source {
public:
    virtual ~config_source() = default;

    /// Follows the source until stopped.
    virtual boost::asio::awaitable<void> run() = 0;

    virtual const config_report& report() const = 0;

    /// The collector has applied the last set it was given. `wall_ms`: when.
    virtual void applied(std::int64_t wall_ms) = 0;

    /// Looks again at once (SIGHUP).
    virtual void reload() = 0;

    /// Gives up documents that vanished without a deletion that was seen: the operator's word.
    /// False: there are none.
    virtual bool forget_vanished() { return false; }

    /// Called on the loop after the report has changed, applied() included.
    void on_change(std::function<void()> told) { told_ = std::move(told); }

protected:
    void tell() const {
        if (told_) told_();
    }

private:
    std::function<void()> told_;
};

/// Gets the whole set of targets, on the loop. Never called for "nothing is known yet".
using apply_targets = std::function<void(std::vector<fleet::log_target>)>;

/// The addresses of this host, for the keys in etcd.
using address_list = std::function<std::vector<std::string>()>;

/// The addresses that `ips` of agent.ini stands for, looked up anew with each call.
address_list addresses_of(const settings& from);

struct follow_options {
    std::chrono::milliseconds patience{2'000};  // for etcd at the start, then the copy is used
    // A start and a change wait up to this, so that thousands of hosts that were started, or
    // changed, together do not come at once.
    std::chrono::milliseconds start_spread{1'000};
    std::chrono::milliseconds spread{1'000};
    std::chrono::milliseconds address_interval{30'000};  // between looks at the addresses
    std::uint64_t seed = 0;                              // of all jitter; 0 = a random one
};

/// The keys of all addresses of this host in etcd. `state_dir` holds the last good configuration,
/// for starts while etcd is down; empty = none is kept. `etcd` must outlive the source.
std::unique_ptr<config_source> follow_etcd(boost::asio::any_io_executor executor,
                                           etcd::client& etcd, const settings& from,
                                           address_list addresses, std::string state_dir,
                                           apply_targets apply, follow_options options = {});

/// A file that holds a logconfig array, looked at once a second. Its targets are `trusted`. Throws
/// base::problem_error if the file cannot be used now; later the last good content stays.
std::unique_ptr<config_source> follow_file(boost::asio::any_io_executor executor, std::string path,
                                           apply_targets apply);

/// Targets of the command line, marked as trusted.
std::unique_ptr<config_source> fixed_targets(std::vector<fleet::log_target> targets,
                                             apply_targets apply);

}  // namespace logagent::agent

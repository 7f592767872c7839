#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>
#include <string>

#include "api.hpp"
#include "certificate_watch.hpp"
#include "fleet_board.hpp"
#include "live_hub.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/etcd/client.hpp"
#include "logagent/etcd/presence.hpp"
#include "logagent/etcd/watch.hpp"
#include "logagent/http/server.hpp"
#include "logagent/os/service_notifier.hpp"
#include "logagent/web/settings.hpp"
#include "parts.hpp"
#include "rollout_driver.hpp"
#include "stats_desk.hpp"
#include "tail_desk.hpp"
#include "turn_meter.hpp"

namespace logagent::web {

/// The parts of `logagent web`, joined: the server, and the watch that keeps tokens and hosts.
class control_plane {
public:
    /// Binds; throws problem_error if that fails.
    control_plane(boost::asio::any_io_executor executor, const turn_meter& turns, settings chosen,
                  route_check check);
    ~control_plane();

    /// Runs until a signal or a failure; returns the exit code.
    boost::asio::awaitable<int> run();

private:
    class follower;

    /// A key that this process keeps for as long as it lives.
    std::unique_ptr<etcd::presence> hold(std::string key);
    tail_desk::make_reader lines_from_kafka();
    /// Binds, and reads the certificate before; throws problem_error.
    void make_server();
    void spawn(boost::asio::awaitable<void> task);
    boost::asio::awaitable<void> signals();
    boost::asio::awaitable<void> housekeeping();
    /// Learns hosts and gives new ones their keys, soon after they come.
    boost::asio::awaitable<void> follow_hosts();
    /// While this process leads: finishes what others left, and moves rollouts on.
    boost::asio::awaitable<void> lead();
    boost::asio::awaitable<void> lead_once();
    /// Stores the first token, if there is none, and prints it once.
    boost::asio::awaitable<void> bootstrap();
    boost::asio::awaitable<bool> try_bootstrap(const std::string& secret);
    std::string not_ready() const;

    boost::asio::any_io_executor executor_;
    settings settings_;
    dns::resolver names_;
    etcd::client etcd_;
    credentials tokens_;
    host_registry hosts_;
    repository store_;
    live_hub live_;
    service_map services_;
    tail_desk tails_;
    stats_desk stats_;
    parts parts_;
    fleet_board board_;
    rollout_driver rollouts_;
    api api_;
    std::unique_ptr<http::server> server_;
    std::optional<certificate_watch> certificate_;
    std::unique_ptr<follower> follower_;
    std::unique_ptr<etcd::watch> watch_;
    std::unique_ptr<etcd::presence> replica_;  // this process is alive
    std::unique_ptr<etcd::presence> leader_;   // and it is the one that drives
    os::service_notifier manager_;
    async::task_group tasks_;
    async::event stopping_;
    async::event tokens_known_;
    async::event hosts_changed_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer house_timer_;
    boost::asio::steady_timer lead_timer_;
    boost::asio::steady_timer gather_timer_;            // many hosts come together
    boost::asio::steady_timer bootstrap_timer_;         // between two tries
    std::chrono::steady_clock::time_point prune_at_{};  // next; the first time at once
    std::exception_ptr failure_;
    bool stop_asked_ = false;
};

}  // namespace logagent::web

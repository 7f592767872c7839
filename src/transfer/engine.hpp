#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dead_letters.hpp"
#include "etcd_routes.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/etcd/client.hpp"
#include "logagent/etcd/presence.hpp"
#include "logagent/etcd/watch.hpp"
#include "logagent/http/server.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/kafka/topic_reader.hpp"
#include "logagent/os/service_notifier.hpp"
#include "logagent/transfer/transfer.hpp"
#include "route.hpp"
#include "status.hpp"
#include "status_card.hpp"

namespace logagent::transfer {

/// The parts of `logagent transfer`, joined: the routes, the dead letters, and the status.
class engine final : public status_source {
public:
    /// Binds the status; throws problem_error if that fails. `state`: a directory, or empty.
    engine(boost::asio::any_io_executor executor, transfer_options options, std::string state);
    ~engine();

    /// Runs until a signal or a failure; returns the exit code.
    boost::asio::awaitable<int> run();

    /// Starts a route, or restarts it with other settings.
    void set_route(route_settings wanted);
    void remove_route(const std::string& name);

private:
    using clock = std::chrono::steady_clock;

    /// A route that should run, and the one that does.
    struct kept_route {
        route_settings wanted;
        std::unique_ptr<route> live;
        std::string failure;  // why it is not live
        bool stop = false;    // and do not start it again
        bool anew = false;    // start it again at once, with `wanted`
        bool ended = false;
        bool settled = true;
    };

    transfer_status status() const override;

    void spawn(boost::asio::awaitable<void> task);
    void serve_status();
    void follow_etcd();
    void save_routes();
    void show_in_etcd();
    card_facts facts_for_card() const;
    boost::asio::awaitable<void> keep_showing();
    boost::asio::awaitable<void> keep(std::string name);
    boost::asio::awaitable<void> run_route(kept_route& kept);
    boost::asio::awaitable<void> signals();
    boost::asio::awaitable<void> housekeeping();
    boost::asio::awaitable<void> until_caught_up();
    boost::asio::awaitable<bool> stop_routes();
    boost::asio::awaitable<std::string> make_topic(std::string topic);
    std::unique_ptr<route> make_route(const kept_route& kept);
    std::uint64_t share() const;

    boost::asio::any_io_executor executor_;
    transfer_options options_;
    std::string state_;
    std::string started_;  // RFC 3339
    dns::resolver names_;
    std::unique_ptr<kafka::live_producer> producer_;
    std::unique_ptr<kafka::topic_reader> topic_maker_;  // once a topic had to be made
    std::unique_ptr<dead_letters> letters_;
    lane last_lane_ = 0;
    std::map<std::string, kept_route> routes_;
    std::unique_ptr<etcd::client> etcd_;
    std::unique_ptr<etcd_routes> etcd_routes_;
    std::unique_ptr<etcd::watch> watch_;
    std::unique_ptr<etcd::presence> presence_;  // what this process shows of itself there
    std::string host_;
    std::string instance_;  // <host>~<8 hex digits>, of this run
    std::unique_ptr<http::server> server_;
    os::service_notifier manager_;
    async::task_group tasks_;
    async::task_group route_tasks_;
    async::event stopping_;
    async::event route_ended_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer house_timer_;
    boost::asio::steady_timer card_timer_;
    std::exception_ptr failure_;
    std::string outcome_ = "not all of them could be settled; the rest is tried next time";
    bool stop_asked_ = false;
    bool stop_now_ = false;
};

}  // namespace logagent::transfer

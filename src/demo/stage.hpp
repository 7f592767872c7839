#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "demo/log_writers.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/demo/demo.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/http/client.hpp"
#include "logagent/kafka/mock_cluster.hpp"
#include "logagent/os/logged_child.hpp"

namespace logagent::demo {

/// The parts of one demo, on one loop: what is started in which order, what it looks like, and how
/// all of it ends.
class stage {
public:
    using clock = std::chrono::steady_clock;

    /// `directory` exists, is empty, and is the demo's own. `signals` outlives the stage: at no
    /// moment may a signal find nobody who catches it.
    stage(boost::asio::any_io_executor executor, const options& chosen, std::string directory,
          boost::asio::signal_set& signals, observer& seen);

    /// Leaves the embedded broker to the end of the process: its own end sometimes waits for ever
    /// for one of its threads. Kills what still runs.
    ~stage();

    /// The whole of it. What goes wrong ends in result::failure.
    boost::asio::awaitable<void> run(result& out);

private:
    struct child {
        child(boost::asio::any_io_executor executor, std::string called, const std::string& in)
            : name{std::move(called)}, process{std::move(executor), in + "/" + name + ".log"} {}

        std::string name;  // as in messages; what it prints is in directory/<name>.log
        os::logged_child process;
    };

    void choose_ports();
    void start(std::string name, std::vector<std::string> words,
               const std::string& program = os::logged_child::own_program);
    std::string printed(const std::string& name) const;
    void start_etcd();
    void start_web();
    void start_agents();

    boost::asio::awaitable<void> play();
    boost::asio::awaitable<void> wait_for_pages();
    boost::asio::awaitable<void> wait_for_hosts();
    boost::asio::awaitable<void> label_hosts();
    boost::asio::awaitable<void> define_services();
    boost::asio::awaitable<void> show();
    boost::asio::awaitable<void> look_at(host_row& row);

    boost::asio::awaitable<http::response> ask(std::string method, std::string target,
                                               std::string body);
    boost::asio::awaitable<void> pause(clock::duration time);
    boost::asio::awaitable<void> read_signals();
    boost::asio::awaitable<void> end();
    boost::asio::awaitable<void> end_in_order();
    boost::asio::awaitable<void> end_one(child& which);

    bool goes_on() const;
    /// Why a child that should run does not; empty = all do.
    std::string broken_child() const;
    place where() const;

    boost::asio::any_io_executor executor_;
    const options& options_;
    std::string directory_;
    observer& seen_;
    boost::asio::signal_set& asked_to_end_;
    std::unique_ptr<kafka::mock_cluster> broker_;
    dns::resolver names_;
    http::client client_;
    log_writers writers_;
    std::vector<std::unique_ptr<child>> children_;  // in the order of their starts
    async::task_group players_;                     // until the end begins
    async::task_group watchers_;                    // until it is over
    async::event change_;  // something that the main coroutine may wait for

    http::endpoint page_;
    http::endpoint etcd_client_;
    http::endpoint etcd_peer_;
    std::string token_;
    progress progress_;
    clock::time_point began_;
    std::exception_ptr failure_;
    std::exception_ptr watcher_failure_;
    int signals_ = 0;
    bool over_ = false;
    bool ready_ = false;
    bool ended_ = false;  // every child
};

}  // namespace logagent::demo

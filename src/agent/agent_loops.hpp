#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "command_runner.hpp"
#include "dead_letter_files.hpp"
#include "instance.hpp"
#include "logagent/agent/agent.hpp"
#include "logagent/agent/announcer.hpp"
#include "logagent/agent/config_source.hpp"
#include "logagent/agent/stall_meter.hpp"
#include "logagent/agent/status.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/checkpoint/journal.hpp"
#include "logagent/checkpoint/memory_store.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/etcd/client.hpp"
#include "logagent/http/server.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/os/confinement.hpp"
#include "logagent/os/inotify.hpp"
#include "logagent/os/posix_disk.hpp"
#include "logagent/os/posix_journal_files.hpp"
#include "logagent/os/service_notifier.hpp"
#include "logagent/tail/collector.hpp"
#include "read_window.hpp"
#include "silence_watch.hpp"
#include "stats_publisher.hpp"
#include "stdout_producer.hpp"
#include "written_partitions.hpp"

namespace logagent::agent {

/// The parts of one agent and the few coroutines that move them.
///
/// Everything decides in the collector; the coroutines here only bring it hints of inotify, answers
/// of Kafka, targets and the time, on one thread.
class agent_loops {
public:
    agent_loops(boost::asio::any_io_executor executor, agent_options options, std::string state_dir,
                instance self, std::vector<os::confinement_layer> layers);
    ~agent_loops();

    /// From start to exit code.
    boost::asio::awaitable<int> run();

private:
    class watches;
    class reports;

    void make_producers();
    void make_collector();
    void make_source();
    void make_pages();
    void make_server();
    void make_announcer();
    void make_commands();
    void make_stats();
    void spawn(boost::asio::awaitable<void> task);
    boost::asio::awaitable<void> collect();
    boost::asio::awaitable<void> notice();
    boost::asio::awaitable<void> describe();
    boost::asio::awaitable<void> housekeeping();
    boost::asio::awaitable<void> signals();
    boost::asio::awaitable<int> stop();
    boost::asio::awaitable<void> release_presence();
    void replace_stuck_clients();
    void tell_manager();
    void tell_partitions();
    written_partitions find_partitions() const;
    std::string announced() const;
    bool report_once();
    std::vector<std::pair<std::string, std::string>> problems() const;
    bool spill(const tail::dead_letter& letter);
    tail::moment now() const;

    boost::asio::any_io_executor executor_;
    agent_options options_;
    const settings& settings_;
    std::string state_dir_;
    instance self_;
    std::vector<os::confinement_layer> layers_;
    std::string host_;
    std::int64_t started_ms_;

    dns::resolver names_;
    os::posix_disk disk_;
    os::inotify inotify_;
    std::unique_ptr<watches> watches_;
    std::optional<os::posix_journal_files> journal_files_;
    std::optional<checkpoint::journal> journal_;
    checkpoint::memory_store memory_;
    std::unique_ptr<stats_publisher> stats_;  // outlives the client, which borrows its record
    std::unique_ptr<kafka::live_producer> main_;
    std::unique_ptr<kafka::live_producer> careful_;
    std::unique_ptr<stdout_producer> printed_;
    std::unique_ptr<stdout_producer> printed_carefully_;
    std::unique_ptr<tail::collector> collector_;
    std::unique_ptr<reports> main_reports_;
    std::unique_ptr<reports> careful_reports_;
    std::unique_ptr<etcd::client> etcd_;
    std::unique_ptr<config_source> source_;
    std::unique_ptr<status_pages> pages_;
    std::unique_ptr<http::server> server_;
    std::unique_ptr<announcer> announcer_;
    std::unique_ptr<command_runner> commands_;
    std::optional<dead_letter_files> spilled_;  // without a state directory there are none
    os::service_notifier manager_;

    async::task_group tasks_;
    async::event work_;                       // the collector has something to do
    async::event describe_;                   // a topic has to be asked about
    async::event stopping_;                   // a signal, a failure, or --once is finished
    async::event drained_;                    // while stopping: nothing is in flight any more
    boost::asio::steady_timer window_timer_;  // while file events gather
    boost::asio::steady_timer house_timer_;   // once a second
    boost::asio::signal_set signals_;
    stall_meter stalls_;
    silence_watch main_silence_;
    silence_watch careful_silence_;
    read_window window_;
    std::string told_manager_;  // the last STATUS
    written_partitions told_partitions_;
    std::chrono::steady_clock::time_point next_partitions_{};
    std::exception_ptr failure_;  // an end that nobody asked for: stops the agent in good order
    bool stop_asked_ = false;
    bool stop_now_ = false;
    bool applied_told_ = true;
};

}  // namespace logagent::agent

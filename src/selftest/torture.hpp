#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/kafka/mock_cluster.hpp"
#include "logagent/kafka/topic_reader.hpp"
#include "logagent/os/logged_child.hpp"
#include "logagent/selftest/selftest.hpp"
#include "selftest/ledger.hpp"
#include "selftest/log_writer.hpp"

namespace logagent::selftest {

/// One run of the selftest: writers, the agent that is killed, the broker that goes away, and the
/// reader of what has arrived, all on one loop.
class torture {
public:
    using clock = std::chrono::steady_clock;

    /// `directory` exists, is empty, and is the run's own.
    torture(boost::asio::any_io_executor executor, const options& chosen, std::string directory,
            std::string run, observer& seen);

    /// Leaves the embedded broker to the end of the process: its own end sometimes waits for ever
    /// for one of its threads.
    ~torture();

    /// The whole of it. What the test itself cannot do ends in result::failure.
    boost::asio::awaitable<void> run(result& out);

private:
    std::string brokers() const;
    std::vector<std::string> agent_words() const;
    void make_writers();

    boost::asio::awaitable<void> prepare();
    boost::asio::awaitable<void> play();
    boost::asio::awaitable<void> let_everything_happen();
    boost::asio::awaitable<void> drain();
    boost::asio::awaitable<void> end_agent();
    boost::asio::awaitable<void> remove_topic();

    boost::asio::awaitable<void> kills();
    boost::asio::awaitable<void> outages();
    boost::asio::awaitable<void> report();
    boost::asio::awaitable<void> read_signals();
    boost::asio::awaitable<void> pause(clock::duration time);

    void took(const kafka::stored_record& record);
    void start_agent();
    bool agent_was_heard() const { return heard_of_ == starts_.size(); }
    bool all_happened() const;
    /// Not even what is under way can be waited for.
    bool broken() const { return service_failure_ || !agent_.own_end().empty(); }
    bool may_remove(std::uint32_t writer) const;
    void removed(std::uint32_t writer, std::uint32_t life);
    bool removed_ones_are_read();
    progress now() const;
    void complete(result& out) const;

    boost::asio::any_io_executor executor_;
    const options& options_;
    std::string directory_;
    std::string topic_;
    observer& seen_;
    ledger ledger_;
    std::minstd_rand random_;
    dns::resolver names_;
    std::unique_ptr<kafka::mock_cluster> broker_;  // null = the operator's own
    std::unique_ptr<kafka::topic_reader> reader_;
    os::logged_child agent_;
    std::vector<std::unique_ptr<log_writer>> writers_;
    boost::asio::signal_set asked_to_end_;
    async::event change_;  // something that the main coroutine may wait for

    std::exception_ptr failure_;          // of a writer, or of what happens to it
    std::exception_ptr service_failure_;  // of what is needed to the end
    clock::time_point began_;
    std::vector<std::int64_t> starts_;  // of agents, wall clock in ms
    std::size_t heard_of_ = 0;          // the newest agent that has sent a line
    clock::time_point killed_at_{};     // the last one
    std::chrono::milliseconds slowest_return_{0};
    std::vector<std::pair<std::uint32_t, std::uint32_t>> removed_;  // writer, life; not read yet
    std::vector<std::int64_t> offsets_;                             // next one, by partition
    std::uint64_t gaps_ = 0;  // records that the broker did not keep
    std::uint32_t kills_ = 0;
    std::uint32_t outages_ = 0;
    int signals_ = 0;
    bool kill_is_due_ = false;
    bool broker_up_ = true;
    bool draining_ = false;
    bool topic_exists_ = false;
    bool ended_in_time_ = true;  // the agent, at the end
};

}  // namespace logagent::selftest

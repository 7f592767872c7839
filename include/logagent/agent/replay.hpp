#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "logagent/async/event.hpp"
#include "logagent/checkpoint/state.hpp"
#include "logagent/fleet/log_target.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/tail/collector.hpp"
#include "logagent/tail/replay_disk.hpp"
#include "logagent/tail/replay_plan.hpp"

namespace logagent::agent {

/// What is to be sent again, and as what.
struct replay_job {
    std::string host;
    std::string path;
    tail::replay_plan plan;
    fleet::log_target target;  // its topic is where the lines go, its send_rate the pace
    std::uint64_t max_send_rate_bytes = 0;                         // of the host; 0 = none
    std::map<checkpoint::generation_id, std::int32_t> partitions;  // as at the first sending
};

/// How far a replay is. Bytes are those of the files, line ends included.
struct replay_progress {
    std::uint64_t bytes = 0;    // settled: acknowledged, or in another class of `counts`
    std::uint64_t records = 0;  // acknowledged by Kafka
    checkpoint::byte_counts counts{};
    std::uint64_t refused_letters = 0;  // that the dead letter topic did not take for a minute
    std::size_t part = 0;               // of the plan, the one under way
    std::uint64_t offset = 0;           // in that part: everything before it is settled
};

/// Sends the parts of a plan one after another, through the same machine as live files but with
/// positions of its own that are forgotten: nothing that an agent remembers is touched. At most
/// `window` bytes are on their way.
class replay {
public:
    static constexpr std::uint64_t window = 4u << 20;

    /// The producers must outlive it, and what run() left unacknowledged must not be reported to a
    /// replay that is gone: after a run() that was not drained the producers end first.
    replay(boost::asio::any_io_executor executor, replay_job job, kafka::live_producer& main,
           kafka::live_producer& careful);
    ~replay();

    enum class outcome : std::uint8_t {
        done,       // everything was acknowledged
        cancelled,  // stopped in good order: what was read is acknowledged
        undrained,  // stopped, and not everything that was read is acknowledged
        failed,     // see failure()
    };

    /// Until everything is sent and acknowledged, or cancel().
    boost::asio::awaitable<outcome> run();

    /// Reads nothing more and waits for acknowledgements until `deadline`.
    void cancel(std::chrono::steady_clock::time_point deadline);

    replay_progress progress() const;
    const replay_job& job() const noexcept { return job_; }
    /// Why it ended as failed: a sentence.
    const std::string& failure() const noexcept { return failure_; }
    /// What holds it up: a sentence. Empty = it flows.
    std::string waiting_for() const;

private:
    class reports;
    class no_watches;

    boost::asio::awaitable<bool> send(const tail::replay_part& part, checkpoint::range range);
    boost::asio::awaitable<void> collect(const std::string& path, bool& complete);
    boost::asio::awaitable<void> describe();
    bool stopped() const;
    void begin(const tail::replay_part& part, checkpoint::range range);
    void end();

    boost::asio::any_io_executor executor_;
    replay_job job_;
    kafka::live_producer& careful_;
    kafka::live_producer& main_;
    std::unique_ptr<reports> main_reports_;
    std::unique_ptr<reports> careful_reports_;
    std::unique_ptr<no_watches> watches_;
    async::event work_;    // the collector has something to do
    async::event turned_;  // it may have a question about its topic
    std::optional<kafka::topic_description> described_;
    std::chrono::steady_clock::time_point described_at_{};

    // Of the range under way.
    std::unique_ptr<tail::replay_disk> disk_;
    std::unique_ptr<checkpoint::memory_store> store_;
    std::unique_ptr<tail::collector> collector_;
    checkpoint::range range_;

    replay_progress finished_;  // of the ranges that are done
    std::string failure_;
    bool cancelled_ = false;
    std::chrono::steady_clock::time_point deadline_{};
};

}  // namespace logagent::agent

#pragma once

// librdkafka on the loop. Its threads reach us through an eventfd (reports, errors, logs) and a
// pipe (names to look up, connections that come and go); nothing here blocks, and nothing of ours
// runs on its threads but the answer of a name that is already known.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/admin.hpp"
#include "logagent/kafka/producer.hpp"
#include "logagent/kafka/settings.hpp"

namespace logagent::kafka {

/// The addresses of a host; empty when it has none. Must end by itself (a deadline of its own).
using name_lookup =
    std::function<boost::asio::awaitable<std::vector<boost::asio::ip::address>>(std::string host)>;

struct producer_options {
    /// False = the careful producer: not idempotent, one record a request, no linger. A record that
    /// the broker refuses takes no other one along and stops no other partition. Where order
    /// counts, give it one record of a partition and wait for the report: librdkafka prepares the
    /// next request while one is under way, and that one overtakes a retry.
    bool idempotent = true;

    /// Bytes of a batch at most; must stay below the topics' max.message.bytes, because a batch
    /// that is too large fails as a whole. One record may be larger.
    std::uint32_t batch_bytes = 1'000'000;

    /// How long a silent broker is waited for; also bounds a rebuild.
    std::chrono::milliseconds socket_timeout{10'000};

    /// Waits before a new instance after a failure: full jitter, doubling.
    std::chrono::milliseconds first_backoff{1'000};
    std::chrono::milliseconds most_backoff{60'000};
    std::uint64_t seed = 1;  // of that jitter

    /// Broker names to addresses; without it only numeric addresses work.
    name_lookup look_up;

    /// librdkafka's log; `level` as in syslog(3), 3 = error. Called on the loop; must not throw.
    /// Limiting the rate is the caller's business.
    std::function<void(int level, std::string_view facility, std::string_view text)> log;
};

/// How a producer stands with its cluster.
struct producer_state {
    bool up = false;
    std::string text;  // while it is down: why, and what happens next; never empty then
    std::chrono::steady_clock::time_point since;
    std::uint64_t rebuilds = 0;           // instances made anew since the start
    std::string last_fatal;               // the reason of the last rebuild; empty = none
    error last_fatal_code = error::none;  // none when a rebuild was requested, not forced
};

/// What is known about the connection to one broker.
struct broker_state {
    std::int32_t id = -1;
    bool up = false;
    std::chrono::steady_clock::time_point since;
    std::chrono::steady_clock::time_point last_ack;  // the clock's epoch = none yet
};

/// A producer over librdkafka. Destroying it destroys the client without further reports: what is
/// outstanding is no longer read afterwards. All on one thread, that of the executor.
class live_producer : public producer, public admin {
public:
    using clock = std::chrono::steady_clock;

    /// Serves reports, errors and names, and rebuilds a broken instance, until it is stopped.
    /// Without it nothing is reported but by drain().
    virtual boost::asio::awaitable<void> run() = 0;

    /// Waits until nothing is outstanding; false = `deadline` came first. Serves the reports
    /// itself, so it works after run() has been stopped too.
    virtual boost::asio::awaitable<bool> drain(clock::time_point deadline) = 0;

    virtual producer_state state() const = 0;
    virtual std::vector<broker_state> brokers()
        const = 0;  // by id; bootstrap addresses not included

    /// ProduceRequests answered so far; the measure behind `kafka.requests_per_s`.
    virtual std::uint64_t requests() const = 0;

    /// Replaces the instance, as after a fatal error: refuses records, waits for reports at most
    /// socket_timeout + 1 s, destroys it, calls listener.abandoned(), starts a new one after the
    /// backoff. A rebuild under way goes on as it is.
    virtual void request_rebuild(std::string reason) = 0;

    /// Lowers the size of batches to `bytes` by a rebuild without backoff and without failing what
    /// is queued. Sizes that are not lower change nothing; below 1000 it does not go.
    virtual void limit_batch_bytes(std::uint32_t bytes) = 0;
};

/// Throws std::runtime_error with librdkafka's own text when it refuses the settings (a key file it
/// cannot read, say). Unreachable brokers are no error.
std::unique_ptr<live_producer> create_producer(boost::asio::any_io_executor executor,
                                               settings settings, producer_options options);

}  // namespace logagent::kafka

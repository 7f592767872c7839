#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/error.hpp"
#include "logagent/kafka/live_producer.hpp"
#include "logagent/kafka/settings.hpp"

namespace logagent::kafka {

struct partition_name {
    std::string topic;
    std::int32_t number = 0;
    auto operator<=>(const partition_name&) const = default;
};

/// A record that was read. It keeps the client's memory of it until it is destroyed, which must
/// happen before the consumer is.
class consumed_record {
public:
    class memory;  // the client's: one of its events
    /// Holds nothing: whoever fills in the views keeps what they refer to.
    consumed_record() = default;
    /// Takes `of` over; `message` is the client's record in it.
    consumed_record(memory* of, const void* message) noexcept : of_{of}, message_{message} {}

    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = -1;  // wall clock; -1 = none
    std::string_view key;            // borrowed from this record, as are `topic` and `value`
    std::string_view value;
    bool has_value = true;  // false: a tombstone

    /// The last header of that name; nothing if there is none. Looks anew with every call.
    std::optional<std::string_view> header(const char* name) const;

private:
    struct give_back {
        void operator()(memory* of) const noexcept;
    };
    std::unique_ptr<memory, give_back> of_;
    const void* message_ = nullptr;  // valid while of_ is
};

/// Where a partition was committed to. `offset` -1 = never.
struct committed_offset {
    partition_name partition;
    std::int64_t offset = -1;
    std::string metadata;
    error code = error::none;
};

/// Gets what a consumer reads and is told. Called on the loop.
class group_listener {
public:
    virtual ~group_listener() = default;

    /// Partitions are ours from now on. Nothing of them is read before start().
    virtual void assigned(const std::vector<partition_name>& partitions) = 0;

    /// Partitions go to another member once release() was called for them; until then the group
    /// waits (max.poll.interval.ms at most). `lost`: they are somebody else's already, and a commit
    /// would be refused.
    virtual void revoked(const std::vector<partition_name>& partitions, bool lost) = 0;

    virtual void took(consumed_record record) = 0;

    /// Something that a person should know; the consumer goes on by itself.
    virtual void complaint(error code, std::string_view text) = 0;
};

/// A member of a consumer group (cooperative-sticky), on the loop.
///
/// Nothing is committed by itself. Everything here only sends a request or waits as a coroutine;
/// only the destructor may take a moment, after close().
class group_consumer {
public:
    using clock = std::chrono::steady_clock;

    struct position {
        partition_name partition;
        std::int64_t offset = 0;  // to begin at, or to commit
        std::string metadata;     // of a commit; at most 4096 bytes
    };

    virtual ~group_consumer() = default;

    /// Joins the group and serves everything until it is stopped; the other coroutines need it
    /// running. `topics`: names, or regular expressions that begin with "^".
    virtual boost::asio::awaitable<void> run(std::vector<std::string> topics,
                                             group_listener& to) = 0;

    /// Begins to read assigned partitions, at offset -2 = the oldest record, -1 = the end, else
    /// that offset.
    virtual void start(const std::vector<position>& at) = 0;
    /// Gives revoked partitions up.
    virtual void release(const std::vector<partition_name>& partitions) = 0;

    virtual void pause(const partition_name& partition) = 0;
    virtual void resume(const partition_name& partition) = 0;

    /// The group's positions, with their metadata. A partition whose code is set has no answer.
    virtual boost::asio::awaitable<std::vector<committed_offset>> committed(
        std::vector<partition_name> partitions, clock::time_point deadline) = 0;

    /// Returns each partition's code: `none` = the broker has it. Fewer answers than positions =
    /// the deadline came first.
    virtual boost::asio::awaitable<std::vector<committed_offset>> commit(
        std::vector<position> positions, clock::time_point deadline) = 0;

    /// Offsets that stand for others: -2 = of the oldest record, -1 = behind the last one that may
    /// be read, from 0 on a time in milliseconds since 1970 = of the first record that is not older
    /// (-1 in the answer: there is none). Fewer answers than questions, or a code: it is not known.
    virtual boost::asio::awaitable<std::vector<committed_offset>> list_offsets(
        std::vector<position> wanted, clock::time_point deadline) = 0;

    /// Leaves the group. Before the destructor, with run() still going on and all records
    /// destroyed; revoked() comes first, and waits for release().
    virtual boost::asio::awaitable<void> close(clock::time_point deadline) = 0;
};

struct group_options {
    std::string group;
    std::uint32_t queued_kib = 8192;  // fetched and not yet taken, of all partitions
    std::string hidden_topics;        // regular expressions with commas, for a pattern
    name_lookup look_up;
};

/// Throws std::runtime_error with librdkafka's own text when it refuses the settings.
std::unique_ptr<group_consumer> create_group_consumer(boost::asio::any_io_executor executor,
                                                      settings settings, group_options options);

}  // namespace logagent::kafka

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/dns/resolver.hpp"
#include "logagent/kafka/group_consumer.hpp"
#include "logagent/transfer/document.hpp"
#include "logagent/transfer/item.hpp"
#include "logagent/transfer/settings.hpp"

namespace logagent::transfer {

/// What a sink tells its route. Called on the loop, also from inside sink::take().
class sink_listener {
public:
    virtual ~sink_listener() = default;

    /// The sink has the record for good.
    virtual void accepted(item done) = 0;
    /// The sink will never take the record. The route makes a dead letter of it.
    virtual void refused(item bad, refusal why) = 0;

    /// The sink can take nothing now, for a reason that a person should know (`text`: what, where,
    /// why, what to do), or it can again (empty). Nothing is lost meanwhile; the sink goes on
    /// trying.
    virtual void stalled(std::string_view text) = 0;

    /// Commits `next` with `metadata` (at most 4096 bytes) for a lane and waits for the broker's
    /// answer. False = refused or unknown: the lane may belong to somebody else by now, and nothing
    /// may be published for it. Only for sinks that commit by themselves.
    virtual boost::asio::awaitable<bool> commit(lane in, std::int64_t next,
                                                std::string metadata) = 0;
};

/// Where a lane begins.
struct lane_start {
    lane in = 0;
    kafka::partition_name partition;
    std::string topic_id;   // as Kafka names it, 22 characters; empty = the broker told none
    std::int64_t next = 0;  // the first offset that will come
    std::string metadata;   // of the group's last commit
};

/// Figures for /status and /metrics; counters never go back.
struct sink_figures {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;                       // of request bodies or files
    std::uint64_t duplicates = 0;                  // records that the sink had already
    std::map<std::string, std::uint64_t> retried;  // by class: "connection", "throttled", ...
    std::uint64_t in_flight = 0;                   // requests now
    std::string stalled;                           // why nothing goes; empty = it does
    std::map<lane, std::int64_t> complete_to;      // hdfs: the end of the last hour that a lane is
                                                   // through with, Unix time in seconds
};

/// What every sink is built from. All of it outlives the sink.
struct sink_parts {
    boost::asio::any_io_executor executor;
    dns::resolver& names;
    sink_listener& to;
    const document_maker& documents;
    std::string route;  // its name
    std::string spool;  // a directory of this route alone; exists for sinks that need one
};

/// One kind of place that records go to. A route owns one; everything happens on the loop, and
/// nothing blocks it.
///
/// The route bounds the bytes that are out (Kafka's memory of items that neither came back nor were
/// dropped), so take() always takes. A record leaves the sink by accepted() or refused(), or it is
/// dropped when its lane ends.
class sink {
public:
    virtual ~sink() = default;

    /// Works until it is stopped: sends, retries, rolls. Failures that pass are its own business
    /// and reported by stalled(); what it throws ends the route.
    virtual boost::asio::awaitable<void> run() = 0;

    /// A lane begins; the first of its records comes afterwards. Records of a lane come in order.
    virtual void begin(const lane_start&) {}

    virtual void take(item next) = 0;

    /// Finishes what it has of these lanes as far as that goes until `deadline`: no waiting for a
    /// fuller batch. take() is not called for them meanwhile, run() goes on.
    virtual boost::asio::awaitable<void> drain(std::vector<lane> lanes,
                                               std::chrono::steady_clock::time_point deadline) = 0;

    /// The lane is not ours any longer: drops its items and calls nobody about them again. What a
    /// request holds may stay until the request ends.
    virtual void end(lane in) = 0;

    /// True: the sink calls sink_listener::commit() itself, and accepted() commits nothing.
    virtual bool commits_itself() const { return false; }

    virtual sink_figures figures() const = 0;
};

// The makers: one for each kind. Secrets are read when the sink is made and again when the server
// refuses them; a file that cannot be read throws base::problem_error.
std::unique_ptr<sink> create_elasticsearch_sink(sink_parts parts, const sink_settings& where,
                                                const sink_options& how);
std::unique_ptr<sink> create_hdfs_sink(sink_parts parts, const sink_settings& where,
                                       const sink_options& how);
std::unique_ptr<sink> create_storm_sink(sink_parts parts, const sink_settings& where,
                                        const sink_options& how);
std::unique_ptr<sink> create_kafka_sink(sink_parts parts, const sink_settings& where,
                                        const sink_options& how);
std::unique_ptr<sink> create_file_sink(sink_parts parts, const sink_settings& where,
                                       const sink_options& how);  // standard output too

}  // namespace logagent::transfer

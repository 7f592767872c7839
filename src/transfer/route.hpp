#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dead_letter_guard.hpp"
#include "dead_letters.hpp"
#include "lane_book.hpp"
#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/kafka/admin.hpp"
#include "logagent/kafka/group_consumer.hpp"
#include "logagent/transfer/configuration.hpp"
#include "logagent/transfer/sink.hpp"
#include "route_figures.hpp"
#include "start_plan.hpp"

namespace logagent::transfer {

/// What a route is built from; all of it outlives the route.
struct route_parts {
    boost::asio::any_io_executor executor;
    dns::resolver& names;
    kafka::admin& cluster;
    dead_letters& letters;
    lane& last_lane;  // of the process
    kafka::settings kafka;
    std::string group;
    std::string spool;
    std::uint64_t memory_bytes = 16 << 20;  // its share of in_flight_bytes
};

/// One route: a member of its consumer group, the partitions that are its own, and its sink.
///
/// Every record that comes is accepted by the sink, or lies in the dead letter topic, or was
/// dropped as sent twice, or is pending; only what lies before the first pending one is committed.
class route final : public kafka::group_listener, public sink_listener, public dead_letter_owner {
public:
    using clock = std::chrono::steady_clock;

    route(route_parts parts, route_settings how, sink_settings where);
    ~route() override;

    /// Works until ask_stop(), then drains, commits and leaves the group. Returns whether nothing
    /// was left pending. Must not be cancelled. Throws what ended the route.
    boost::asio::awaitable<bool> run();

    /// Ends run() at `deadline` at the latest; a second call may only bring that forward.
    void ask_stop(clock::time_point deadline);

    /// Whether everything that was in the topics when it was asked last has been settled.
    bool caught_up() const;
    /// A survey, from which caught_up() knows more, soon.
    void look_again() { survey_.notify(); }

    /// The share of memory may change while it runs.
    void limit_memory(std::uint64_t bytes);

    route_figures figures() const;
    const route_settings& settings() const { return how_; }

private:
    struct order {
        enum class kind { assign, revoke, made_anew };
        kind what;
        std::vector<kafka::partition_name> partitions;
        bool lost = false;
    };
    struct planned {
        kafka::partition_name partition;
        std::string topic_id;
        partition_start start;
    };

    // kafka::group_listener
    void assigned(const std::vector<kafka::partition_name>& partitions) override;
    void revoked(const std::vector<kafka::partition_name>& partitions, bool lost) override;
    void took(kafka::consumed_record record) override;
    void complaint(kafka::error code, std::string_view text) override;
    // sink_listener
    void accepted(item done) override;
    void refused(item bad, refusal why) override;
    void stalled(std::string_view text) override;
    boost::asio::awaitable<bool> commit(lane in, std::int64_t next, std::string metadata) override;
    // dead_letter_owner
    void buried(lane in, std::int64_t offset) override;
    void unburied(std::string_view text) override;

    void spawn(boost::asio::awaitable<void> task);
    boost::asio::awaitable<void> obey();
    boost::asio::awaitable<void> take_over(std::vector<kafka::partition_name> partitions);
    boost::asio::awaitable<std::vector<planned>> plan(
        std::vector<kafka::partition_name> partitions);
    boost::asio::awaitable<bool> learn_topics(std::vector<partition_facts>& facts,
                                              const std::vector<kafka::partition_name>& partitions,
                                              clock::time_point deadline);
    boost::asio::awaitable<bool> learn_offsets(std::vector<partition_facts>& facts,
                                               const std::vector<kafka::partition_name>& partitions,
                                               clock::time_point deadline);
    boost::asio::awaitable<bool> fix_start(std::vector<partition_facts>& facts,
                                           const std::vector<kafka::partition_name>& partitions,
                                           clock::time_point deadline);
    void begin(const std::vector<planned>& from);
    boost::asio::awaitable<void> give_up(order what);
    boost::asio::awaitable<void> begin_anew(std::vector<kafka::partition_name> partitions);
    boost::asio::awaitable<void> finish(std::vector<lane> lanes, clock::time_point deadline);
    boost::asio::awaitable<void> drain(std::vector<lane> lanes, clock::time_point deadline,
                                       std::shared_ptr<bool> done);
    void drop(lane number);

    boost::asio::awaitable<void> keep_committing();
    boost::asio::awaitable<void> commit_lanes(std::vector<lane> lanes, clock::time_point deadline);
    boost::asio::awaitable<void> keep_surveying();
    boost::asio::awaitable<void> survey();
    boost::asio::awaitable<void> keep_offering();
    boost::asio::awaitable<void> keep_flowing();
    boost::asio::awaitable<bool> leave();
    void tell_what_is_left() const;

    void freed();
    void pause_all();
    void bury(item bad, refusal why);
    bool overtaken() const;
    std::vector<lane> lanes_of(const std::vector<kafka::partition_name>& partitions);

    route_parts parts_;
    route_settings how_;
    sink_settings where_;
    std::unique_ptr<document_maker> documents_;
    byte_account memory_;  // before everything that holds items
    std::uint64_t most_memory_ = 0;
    std::unique_ptr<kafka::group_consumer> consumer_;
    std::unique_ptr<sink> sink_;
    bool in_runs_ = false;

    lane_book lanes_;
    dead_letter_guard guard_;
    struct held_item {
        item bad;
        refusal why;
    };
    std::deque<held_item> held_;       // refused, and too many of them
    std::size_t letters_pending_ = 0;  // of lanes that are ours

    async::task_group tasks_;
    async::event ordered_;
    async::event flow_;
    async::event survey_;
    async::event wake_;      // run()
    async::event progress_;  // finish()
    std::deque<order> orders_;
    bool obeying_ = false;
    bool paused_ = false;
    bool flow_told_ = false;
    bool stopping_ = false;
    clock::time_point stop_deadline_;
    std::exception_ptr failure_;
    route_figures counted_;                             // without the state and its text
    std::string sink_text_, letter_text_, guard_text_;  // why nothing goes; empty = it does
    async::backoff pause_;
};

}  // namespace logagent::transfer

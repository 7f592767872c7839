#pragma once

#include <exception>
#include <list>
#include <random>
#include <unordered_map>

#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/http/client.hpp"
#include "logagent/transfer/sink.hpp"
#include "transfer/elasticsearch_answer.hpp"
#include "transfer/elasticsearch_index.hpp"
#include "transfer/elasticsearch_pace.hpp"
#include "transfer/node_pool.hpp"
#include "transfer/outbox.hpp"

namespace logagent::transfer {

class bulk_body;

/// Sends documents by _bulk, each with `create` and an _id that is always the same, so that what
/// was stored before answers "there already" and whatever is not known may be sent again.
///
/// run() forms batches and starts a coroutine for each request; the pace says how many and how
/// large. What comes back is judged (elasticsearch_answer), and what has to go again waits in the
/// outbox.
class elasticsearch_sink : public sink {
public:
    elasticsearch_sink(sink_parts parts, const sink_settings& where, const sink_options& how);

    boost::asio::awaitable<void> run() override;
    void begin(const lane_start& at) override;
    void take(item next) override;
    boost::asio::awaitable<void> drain(std::vector<lane> lanes,
                                       std::chrono::steady_clock::time_point deadline) override;
    void end(lane in) override;
    sink_figures figures() const override;

private:
    using time_point = std::chrono::steady_clock::time_point;

    struct lane_state {
        std::string topic_id;
        std::size_t held = 0;  // records that did not leave yet
    };
    /// A request on its way. Records of a lane that ended meanwhile are dropped when it is back.
    struct request_state {
        batch what;
        std::size_t node = 0;
        time_point sent{};
        std::uint64_t bytes = 0;
    };

    // What is sent
    boost::asio::awaitable<void> work(async::task_group& requests);
    time_point next_look(time_point now) const;
    boost::asio::awaitable<void> send(batch what, std::size_t node);
    boost::asio::awaitable<std::string> build(request_state& of);
    void add_document(bulk_body& body, const item& from);
    http::request request_of(std::string method, std::string target) const;
    boost::asio::awaitable<void> install_template();
    boost::asio::awaitable<http::result<http::response>> put_template(std::string_view field_kind);

    // What comes back
    void settle(request_state of, http::result<http::response> answer);
    void settle_items(request_state of, const bulk_answer& answer);
    void settle_failure(request_state of, const bulk_failure& said, std::string_view wait_field);
    void split(batch what, const bulk_failure& said, const char* why);
    void again(batch what, std::chrono::milliseconds wait, const char* why);
    void accept(batch done);
    void leave(item done, const refusal* why);
    std::chrono::milliseconds wait_of(unsigned attempts);

    // What is told
    void stall(std::string text);
    void flowing();
    std::string name_of(std::size_t node) const;

    void read_secrets();
    void renew_secrets();

    sink_parts parts_;
    sink_settings where_;
    sink_options how_;
    index_pattern index_;
    index_names names_;
    document made_;               // of the record that is being added
    std::size_t last_bytes_ = 0;  // of the last body
    std::string authorization_;   // the value of the field; empty = none
    http::client client_;
    request_pace pace_;
    node_pool nodes_;
    outbox outbox_;
    async::event changed_;
    std::unordered_map<lane, lane_state> lanes_;
    std::list<async::event> drains_;  // of those who wait for records to leave
    std::size_t in_flight_ = 0;
    std::size_t asking_for_person_ = 0;  // of them: whether a person has done something
    time_point paused_until_ = time_point::min();
    unsigned pauses_ = 0;  // since a request was taken
    std::minstd_rand random_;
    std::string stalled_;
    sink_figures figures_;
    std::exception_ptr failure_;  // of a request, that is no failure of the server
};

}  // namespace logagent::transfer

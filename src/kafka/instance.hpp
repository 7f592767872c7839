#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <string>

#include "logagent/kafka/live_producer.hpp"
#include "name_cache.hpp"
#include "notices.hpp"

namespace logagent::kafka {

inline error code_of(rd_kafka_resp_err_t code) {
    return static_cast<error>(code);
}

struct event_deleter {
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using event_ptr = std::unique_ptr<rd_kafka_event_t, event_deleter>;

/// One client of librdkafka, whose events come through one queue and wake one eventfd.
class instance {
public:
    /// The kind of notice about a broker: "<serial> <id> <state>".
    static constexpr char broker_notice = 'B';

    /// `wake` is written when events wait. `names` and `loop` must outlive the instance; `serial`
    /// tells its notices from those of the one before. Throws std::runtime_error.
    instance(const settings& settings, const producer_options& options, int wake,
             const name_cache& names, const notices& loop, std::uint64_t serial);

    /// Takes some milliseconds: its threads only wait for sockets, never for a resolver.
    ~instance();
    instance(const instance&) = delete;
    instance& operator=(const instance&) = delete;

    rd_kafka_t* client() const { return client_; }
    rd_kafka_queue_t* queue() const { return queue_; }

    /// The next event that is ready, or null.
    event_ptr poll() { return event_ptr{rd_kafka_queue_poll(queue_, 0)}; }

    /// Makes brokers that wait after a failed look-up try again now instead of within a second.
    void names_changed();

private:
    struct context;  // what the callbacks get

    rd_kafka_conf_t* configure(const settings& settings, const producer_options& options);

    std::unique_ptr<context> context_;
    rd_kafka_t* client_ = nullptr;
    rd_kafka_queue_t* queue_ = nullptr;
    std::string user_, password_;
};

}  // namespace logagent::kafka

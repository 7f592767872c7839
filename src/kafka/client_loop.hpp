#pragma once

#include <librdkafka/rdkafka.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/kafka/settings.hpp"
#include "name_cache.hpp"
#include "notices.hpp"

namespace logagent::kafka {

struct conf_deleter {
    void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using conf_ptr = std::unique_ptr<rd_kafka_conf_t, conf_deleter>;

/// Throws std::runtime_error with librdkafka's own text.
void set_property(rd_kafka_conf_t* conf, const std::string& name, const std::string& value);

/// What a consumer of librdkafka needs of the loop: its queue wakes an eventfd, its questions for
/// names are answered, and its events are served in slices. Must outlive the client.
class client_loop {
public:
    using clock = std::chrono::steady_clock;
    /// Serves events until that moment; true = more may wait.
    using server = std::function<bool(clock::time_point until)>;

    client_loop(boost::asio::any_io_executor executor, name_lookup look_up);

    /// A configuration with brokers, the properties, and names and logs led to us. `events` as for
    /// rd_kafka_conf_set_events(). Throws std::runtime_error.
    conf_ptr configure(const settings& settings, int events);

    /// Writes the eventfd when something is put into the queue.
    void wake_by(rd_kafka_queue_t* queue);
    /// Before the queue is destroyed.
    static void silence(rd_kafka_queue_t* queue);

    /// Serves until it is stopped. `complain` gets what goes wrong with names.
    boost::asio::awaitable<void> run(std::string brokers, server serve,
                                     std::function<void(std::string)> complain);

private:
    boost::asio::awaitable<void> serve_all(async::task_group& tasks, const server& serve);
    boost::asio::awaitable<void> read_wakes();
    boost::asio::awaitable<void> refresh(std::string host,
                                         const std::function<void(std::string)>& complain);

    boost::asio::any_io_executor executor_;
    notices notices_;
    name_cache names_;
    boost::asio::posix::stream_descriptor wakes_;  // the eventfd that librdkafka writes
    async::event work_;                            // something to serve
};

}  // namespace logagent::kafka

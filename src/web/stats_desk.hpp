#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "logagent/async/event.hpp"
#include "logagent/kafka/live_reader.hpp"
#include "rate_store.hpp"

namespace logagent::web {

/// Reads what agents publish about their files, as long as there is such a topic.
class stats_desk {
public:
    using clock = std::chrono::steady_clock;
    using make_reader = std::function<std::unique_ptr<kafka::live_reader>()>;

    /// Without `make` nothing is read.
    stats_desk(boost::asio::any_io_executor executor, make_reader make, std::string topic);

    const rate_store& rates() const noexcept { return rates_; }
    /// Why nothing is known: one line; empty = the topic is read.
    const std::string& trouble() const noexcept { return trouble_; }

    boost::asio::awaitable<void> run();

private:
    boost::asio::awaitable<void> serve();
    boost::asio::awaitable<void> steer(kafka::live_reader& reader);
    boost::asio::awaitable<void> look_for_topic(kafka::live_reader& reader);

    boost::asio::any_io_executor executor_;
    make_reader make_;
    std::string topic_;
    rate_store rates_;
    std::string trouble_;
    async::event wake_;  // the reader has broken
    std::exception_ptr broken_;
    clock::time_point ask_at_{};
    int partitions_ = 0;  // that are read
};

}  // namespace logagent::web

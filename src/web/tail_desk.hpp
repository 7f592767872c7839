#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host_registry.hpp"
#include "logagent/async/event.hpp"
#include "logagent/kafka/live_reader.hpp"
#include "tail_feed.hpp"
#include "tail_query.hpp"

namespace logagent::web {

/// Follows lines in Kafka for all clients that want to see some: one Kafka client, there only while
/// somebody looks, that reads the partitions of all of them.
class tail_desk {
public:
    static constexpr std::size_t most_tails = 32;                  // of this process
    static constexpr std::size_t most_tails_of_token = 4;          // for each token
    static constexpr std::uint64_t most_bytes_per_s = 20'000'000;  // read; more is passed over

    using clock = std::chrono::steady_clock;
    using make_reader = std::function<std::unique_ptr<kafka::live_reader>()>;

    /// `make` may be empty: there are no brokers. The rest outlives this.
    tail_desk(boost::asio::any_io_executor executor, make_reader make, const service_map& services,
              const host_registry& hosts);
    ~tail_desk();

    /// Throws `refused`: 503 without brokers, 429 over a limit. The feed may outlive this.
    std::unique_ptr<tail_feed> open(tail_query query, principal who);

    /// There are brokers.
    bool possible() const noexcept { return static_cast<bool>(make_); }

    /// Services or hosts have changed, so lines may be elsewhere.
    void changed() { stale_ = true; }

    std::size_t tails() const noexcept { return feeds_.size(); }
    std::uint64_t bytes_read() const noexcept { return bytes_read_; }

    boost::asio::awaitable<void> run();

private:
    boost::asio::awaitable<void> serve();
    boost::asio::awaitable<void> steer(kafka::live_reader& reader);
    void find_scopes();
    boost::asio::awaitable<void> follow(kafka::live_reader& reader);
    boost::asio::awaitable<void> learn_partitions(kafka::live_reader& reader);
    void took(std::string_view topic, const kafka::stored_record& record);
    void watch_rate(kafka::live_reader& reader);
    void tell_all(std::string_view code, std::string_view detail);
    void tell();
    void closed(tail_feed& feed);

    boost::asio::any_io_executor executor_;
    make_reader make_;
    const service_map& services_;
    const host_registry& hosts_;
    async::event news_;
    /// Shared with the feeds, which may live longer.
    std::shared_ptr<tail_desk*> self_;
    std::vector<tail_feed*> feeds_;
    std::map<std::string, int, std::less<>> partition_counts_;  // 0 = there is no such topic
    clock::time_point counted_at_{};
    std::set<kafka::partition_name> followed_;
    std::exception_ptr broken_;
    bool stale_ = false;
    std::string trouble_;  // of Kafka, lately
    clock::time_point trouble_at_{};
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_this_second_ = 0;
    bool too_fast_ = false;  // the rest of this second is passed over
};

}  // namespace logagent::web

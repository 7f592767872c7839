#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logagent/async/event.hpp"
#include "logagent/kafka/producer.hpp"
#include "logagent/transfer/item.hpp"

namespace logagent::transfer {

/// The suffix of topics that hold what sinks refused.
inline constexpr std::string_view dead_suffix = ".dead";

/// "web" -> "web.dead"; a dead letter that is refused again stays where it was.
std::string dead_topic_of(std::string_view topic);

/// A record that a sink will never take, with all that should be known about it. A copy, so that it
/// outlives the consumer it came from.
struct dead_letter {
    lane in = 0;
    std::string topic;  // the record's own
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string key, value;
    bool has_key = false, has_value = false;
    refusal why;
    std::string route, sink;
    held_bytes memory = {};  // of the route
};

/// Who wrote a dead letter. Called on the loop.
class dead_letter_owner {
public:
    virtual ~dead_letter_owner() = default;
    /// It lies in the dead letter topic for good.
    virtual void buried(lane in, std::int64_t offset) = 0;
    /// Dead letters cannot be written, for this reason; they are tried again. Empty = they can.
    virtual void unburied(std::string_view text) = 0;
};

/// Writes dead letters, for all routes. Keys and values as they were; headers say what happened.
class dead_letters final : public kafka::delivery_listener {
public:
    using topic_maker = std::function<boost::asio::awaitable<std::string>(std::string topic)>;

    /// `make_topic` makes a topic if it is missing, and returns why it cannot, or an empty text.
    dead_letters(boost::asio::any_io_executor executor, kafka::producer& to,
                 topic_maker make_topic);

    /// Tries again what failed, and makes topics, until it is stopped.
    boost::asio::awaitable<void> run();

    void write(dead_letter_owner& owner, dead_letter letter);
    /// Calls the owner no more.
    void forget(const dead_letter_owner& owner);

    std::uint64_t written() const noexcept { return written_; }
    std::size_t waiting() const noexcept { return letters_.size(); }

private:
    struct entry {
        dead_letter_owner* owner;  // nullptr = nobody asks any more
        dead_letter letter;
        std::string time;  // RFC 3339, when it was refused
        bool out = false;  // at the producer
        std::list<entry>::iterator self;
    };

    void delivered(void* batch, std::uint32_t count) override;
    void failed(void* batch, const char* value, kafka::error code, bool possibly_stored) override;
    void abandoned() override;

    void send(entry& one);
    void trouble(entry& one, kafka::error code);
    void tell(std::string text);

    boost::asio::any_io_executor executor_;
    kafka::producer& to_;
    topic_maker make_topic_;
    async::event look_;
    std::list<entry> letters_;
    std::set<std::string> known_;    // topics that are there
    std::set<std::string> missing_;  // topics to be looked for, or made
    std::string text_;               // why nothing can be written; empty = it can
    std::uint64_t written_ = 0;
};

/// Headers of a dead letter, in the order in which they are written.
std::vector<std::pair<std::string_view, std::string>> headers_of(const dead_letter& letter,
                                                                 std::string_view time);

}  // namespace logagent::transfer

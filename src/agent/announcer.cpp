#include "logagent/agent/announcer.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <optional>
#include <random>

#include "logagent/async/event.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/json.hpp"
#include "logagent/base/log.hpp"
#include "logagent/etcd/presence.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using steady = std::chrono::steady_clock;

/// Where an instance reports while a namesake holds the host's key.
std::string other_key(const std::string& key, const std::string& instance) {
    char suffix[10];
    std::snprintf(suffix, sizeof suffix, "~%08x",
                  static_cast<unsigned>(XXH3_64bits(instance.data(), instance.size())));
    return key + suffix;
}

bool is_of(const std::string& instance, std::string_view value) {
    const auto parsed = base::parse_json(value);
    if (!parsed) return false;
    const auto field = base::json_field{*parsed}.at("instance");
    if (!field) return false;
    const auto text = field->text();
    return text && *text == instance;
}

}  // namespace

std::string status_key(const settings& from, const std::string& host) {
    return from.etcd_prefix() + "_status/" + host;
}

class announcer::speaker {
public:
    speaker(asio::any_io_executor executor, etcd::client& etcd, announcer_options options,
            std::function<std::string()> value)
        : executor_{executor},
          options_{std::move(options)},
          value_{std::move(value)},
          presence_{executor, etcd, presence_options(), [this] { presence_changed(); }},
          wake_{executor},
          begin_{executor},
          random_{static_cast<std::minstd_rand::result_type>(seed() % 2147483647u)} {}

    void notify() {
        urgent_ = true;
        wake_.notify();
    }

    asio::awaitable<void> run() {
        async::task_group beside{executor_};
        beside.spawn(async::guarded(hold(), broken_, wake_));
        std::exception_ptr ended;
        try {
            co_await speak();
        } catch (...) {
            ended = std::current_exception();
        }
        beside.stop();
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await beside.join();
        std::rethrow_exception(ended);
    }

    etcd::presence& presence() { return presence_; }
    bool too_large() const { return too_large_ != 0; }
    std::size_t size() const { return too_large_; }
    const announcer_options& options() const { return options_; }

private:
    std::uint64_t seed() const {
        return options_.seed != 0 ? options_.seed : std::uint64_t{std::random_device{}()};
    }

    etcd::presence_options presence_options() const {
        etcd::presence_options out;
        out.key = options_.key;
        out.other_key = other_key(options_.key, options_.instance);
        out.ours = [instance = options_.instance](std::string_view value) {
            return is_of(instance, value);
        };
        out.ttl = options_.ttl;
        out.seed = seed();
        return out;
    }

    asio::awaitable<void> hold() {
        // Hosts that were started together do not come together.
        begin_.expires_after(drawn(options_.start_spread));
        co_await begin_.async_wait(asio::use_awaitable);
        co_await presence_.run();
    }

    /// Makes a value when something is urgent, and now and then.
    asio::awaitable<void> speak() {
        for (;;) {
            if (broken_) std::rethrow_exception(broken_);
            urgent_ = false;
            show();
            const auto shown_at = steady::now();
            const auto next = shown_at + options_.interval + drawn(options_.jitter);
            while (!urgent_ && !broken_ && steady::now() < next)
                co_await wake_.wait_until(next);
            // Several results in a row become one value.
            while (!broken_ && steady::now() < shown_at + options_.gather)
                co_await wake_.wait_until(shown_at + options_.gather);
        }
    }

    void show() {
        auto value = value_();
        if (value.size() > options_.most_bytes) {
            if (too_large_ == 0)
                LOGAGENT_LOG(error, "status.size",
                             "the status for etcd has " << value.size() << " bytes, more than "
                                                        << options_.most_bytes
                                                        << "; it is not written");
            too_large_ = value.size();
            return;
        }
        too_large_ = 0;
        if (shown_ && *shown_ == value) return;
        shown_ = value;
        presence_.show(std::move(value));
    }

    void presence_changed() {
        if (!presence_.text().empty()) LOGAGENT_LOG(warn, "status.presence", presence_.text());
        // The value names the problem, so it has to be made again.
        const bool duplicate = presence_.now() == etcd::presence::state::duplicate;
        if (duplicate != std::exchange(duplicate_, duplicate)) notify();
    }

    steady::duration drawn(std::chrono::milliseconds most) {
        std::uniform_int_distribution<std::int64_t> draw{0, most.count()};
        return std::chrono::milliseconds{draw(random_)};
    }

    asio::any_io_executor executor_;
    announcer_options options_;
    std::function<std::string()> value_;
    etcd::presence presence_;
    async::event wake_;  // something is urgent, or the presence has ended
    asio::steady_timer begin_;
    std::minstd_rand random_;
    std::optional<std::string> shown_;
    std::exception_ptr broken_;
    std::size_t too_large_ = 0;  // bytes of a value that was not written
    bool urgent_ = false;
    bool duplicate_ = false;
};

announcer::announcer(asio::any_io_executor executor, etcd::client& etcd, announcer_options options,
                     std::function<std::string()> value)
    : speaker_{std::make_unique<speaker>(std::move(executor), etcd, std::move(options),
                                         std::move(value))} {}

announcer::~announcer() = default;

void announcer::notify() {
    speaker_->notify();
}

std::vector<std::pair<std::string, std::string>> announcer::problems() const {
    std::vector<std::pair<std::string, std::string>> out;
    const auto& presence = speaker_->presence();
    if (presence.now() == etcd::presence::state::duplicate)
        out.emplace_back("duplicate_host",
                         presence.text() +
                             ": two agents have the same `host`; this one reports as " +
                             (presence.held_key().empty() ? "nothing" : presence.held_key()));
    if (speaker_->too_large())
        out.emplace_back("status_too_large", "the status for etcd has " +
                                                 std::to_string(speaker_->size()) +
                                                 " bytes and is not written");
    return out;
}

const std::string& announcer::held_key() const {
    return speaker_->presence().held_key();
}

asio::awaitable<void> announcer::run() {
    return speaker_->run();
}

asio::awaitable<void> announcer::release() {
    return speaker_->presence().release();
}

}  // namespace logagent::agent

#include "logagent/etcd/watch.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cassert>
#include <cstdio>
#include <random>

#include "etcd/applied.hpp"
#include "etcd/codec.hpp"
#include "etcd/stream.hpp"
#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"

namespace logagent::etcd {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t most_operations = 128;  // of one transaction, a limit of etcd

std::string seconds_text(steady::duration wait) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(wait).count());
    return text;
}

}  // namespace

class watch::follower {
public:
    follower(asio::any_io_executor executor, client& etcd, watch_options options,
             watch_handler& handler)
        : executor_{executor},
          etcd_{etcd},
          options_{std::move(options)},
          handler_{handler},
          applied_{options_.ranges, options_.known_cluster_id, options_.known_revision},
          retry_{executor},
          reconcile_timer_{executor},
          random_{static_cast<std::minstd_rand::result_type>(options_.seed % 2147483647u)} {
        assert(!options_.ranges.empty() && 2 * options_.ranges.size() <= most_operations);
    }

    asio::awaitable<void> run() {
        async::task_group beside{executor_};
        beside.spawn(reconcile());
        std::exception_ptr ended;
        try {
            co_await follow();
        } catch (...) {
            ended = std::current_exception();
        }
        beside.stop();
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await beside.join();
        stream_.reset();
        connected_ = false;
        std::rethrow_exception(ended);
    }

    void relist(std::string reason) {
        need_snapshot_ = true;
        relist_reason_ = std::move(reason);
        retry_.notify();
        if (stream_) stream_->close();
    }

private:
    /// One attempt after the other, for ever.
    asio::awaitable<void> follow() {
        async::backoff waits{options_.first_retry, options_.longest_retry, options_.seed};
        for (;;) {
            connected_since_ = steady::time_point::max();
            const error ended = co_await attempt();
            const bool lasted =
                connected_ && steady::now() - connected_since_ >= options_.longest_retry;
            connected_ = false;
            stream_.reset();
            if (broken_) std::rethrow_exception(broken_);
            if (lasted || progress_) waits.reset();
            progress_ = false;
            const auto wait = waits.next();
            const std::string reason = relist_reason_.empty() ? ended.text : relist_reason_;
            relist_reason_.clear();
            handler_.state(watch_handler::connection::retrying,
                           reason + "; next try in " + seconds_text(wait));
            co_await retry_.wait_until(steady::now() + wait);
        }
    }

    /// Snapshot if one is needed, then the stream until it ends. Returns why.
    asio::awaitable<error> attempt() {
        while (need_snapshot_) {
            const auto failure = co_await take_snapshot();
            if (failure) co_return *failure;
        }
        auto wanted = watches();
        auto opened = co_await etcd_.watch(std::move(wanted));
        if (!opened) co_return opened.error();
        stream_ = std::move(*opened);
        ++stream_number_;
        if (need_snapshot_) stream_->close();  // asked for while there was no stream to close
        const error ended = co_await follow_stream();
        after(ended);
        co_return ended;
    }

    asio::awaitable<std::optional<error>> take_snapshot() {
        // A request to list again that comes from here on is about a later moment.
        need_snapshot_ = false;
        const auto failure = co_await read_everything();
        if (failure) need_snapshot_ = true;
        co_return failure;
    }

    asio::awaitable<std::optional<error>> read_everything() {
        header at;
        std::vector<std::vector<key_value>> keys;
        for (const auto& range : applied_.ranges()) {
            range_options options;
            options.revision =
                at.revision;  // 0 for the first: the others must show the same moment
            auto read = co_await etcd_.range(range, options);
            if (!read) co_return read.error();
            if (keys.empty()) at = read->header;
            keys.push_back(std::move(read->keys));
        }
        if (applied_.older(at) && older_seen_ < options_.older_snapshots) {
            ++older_seen_;
            co_return error{error::cause::protocol,
                            "etcd shows revision " + std::to_string(at.revision) + " after " +
                                std::to_string(applied_.revision()) +
                                ": a stale read, or the cluster was wiped or restored"};
        }
        older_seen_ = 0;
        applied_.snapshot(at, keys);
        etcd::snapshot now;
        now.cluster_id = at.cluster_id;
        now.revision = at.revision;
        for (auto& list : keys)
            std::ranges::move(list, std::back_inserter(now.keys));
        handler_.snapshot(std::move(now));
        co_return std::nullopt;
    }

    std::vector<client::watch_request> watches() const {
        std::vector<client::watch_request> wanted;
        for (std::size_t i = 0; i < applied_.ranges().size(); ++i) {
            client::watch_request one;
            one.keys = applied_.ranges()[i];
            one.start_revision = applied_.next_revision(i);
            one.id = static_cast<std::int64_t>(i) + 1;
            wanted.push_back(std::move(one));
        }
        return wanted;
    }

    asio::awaitable<error> follow_stream() {
        const auto created_by = steady::now() + etcd_.options().timeout;
        std::size_t missing = applied_.ranges().size();
        for (;;) {
            auto deadline = steady::time_point::max();
            if (missing > 0) deadline = created_by;
            auto message = co_await stream_->next(deadline);
            if (!message) co_return message.error();
            // The message outlives what is read of it: its events are still JSON.
            auto read = read_message(message->get_object());
            if (!read) co_return read.error();
            if (read->created) {
                if (!applied_.continues(read->header)) co_return not_continued(read->header);
                if (--missing == 0) connected();
                continue;
            }
            if (read->events == nullptr) continue;  // progress: does not move the resume revision
            auto failure = co_await pass_on(*read);
            if (failure) co_return *failure;
        }
    }

    /// Reads the message and turns what ends the stream into an error.
    result<watch_message> read_message(const json::object& message) const {
        watch_message read;
        try {
            read = read_watch(message);
        } catch (const bad_answer& wrong) {
            return failed(error::cause::protocol, wrong.what());
        }
        if (read.canceled && read.compact_revision > 0)
            return failed(error::cause::compacted, "the revisions before " +
                                                       std::to_string(read.compact_revision) +
                                                       " are compacted away");
        if (read.canceled)
            return failed(cause_of(0, read.cancel_reason), "canceled: " + read.cancel_reason);
        const auto most = static_cast<std::int64_t>(applied_.ranges().size());
        if (read.id < 1 || read.id > most)
            return failed(error::cause::protocol, "unknown watch " + std::to_string(read.id));
        return read;
    }

    /// Gives the events to the handler; a long message in turns.
    asio::awaitable<std::optional<error>> pass_on(const watch_message& message) {
        const auto range = static_cast<std::size_t>(message.id - 1);
        std::size_t turn = 0;
        for (const auto& one : *message.events) {
            auto change = read_one(one);
            if (!change) co_return change.error();
            turn += change->entry.key.size() + change->entry.value.size() + 256;
            if (applied_.take(range, *change)) handler_.changed(std::move(*change));
            if (turn < slice_bytes) continue;
            turn = 0;
            co_await asio::post(asio::use_awaitable);
        }
        applied_.message_done(range, message.fragment);
        progress_ = true;
        co_return std::nullopt;
    }

    result<event> read_one(const json::value& one) const {
        try {
            return read_event(one);
        } catch (const bad_answer& wrong) {
            return failed(error::cause::protocol, wrong.what());
        }
    }

    void connected() {
        connected_ = true;
        connected_since_ = steady::now();
        handler_.state(watch_handler::connection::connected, "etcd watch at " + stream_->address());
    }

    /// What the end of a stream means for the next attempt.
    void after(const error& ended) {
        using cause = error::cause;
        if (ended.why == cause::auth) etcd_.forget_token();
        // Going on would bring the same message, or nothing at all, again.
        if (ended.why == cause::compacted || ended.why == cause::too_large) need_snapshot_ = true;
        const bool of_endpoint = ended.why == cause::unreachable || ended.why == cause::no_leader ||
                                 ended.why == cause::protocol;
        if (of_endpoint && relist_reason_.empty()) etcd_.avoid(stream_->address());
    }

    error not_continued(const header& created) {
        need_snapshot_ = true;
        return failed(error::cause::compacted,
                      "the cluster is another one or went back (revision " +
                          std::to_string(created.revision) + " after " +
                          std::to_string(applied_.revision()) + ")");
    }

    error failed(error::cause why, const std::string& text) const {
        return {why, "etcd watch at " + stream_->address() + ": " + text};
    }

    /// Asks again and again whether the stream has kept something back.
    asio::awaitable<void> reconcile() {
        try {
            for (;;) {
                const auto wait = options_.reconcile_interval + jitter();
                co_await reconcile_timer_.wait_until(steady::now() + wait);
                if (connected_) co_await reconcile_once();
            }
        } catch (const boost::system::system_error& stop) {
            if (stop.code() == asio::error::operation_aborted) throw;
            broken_ = std::current_exception();
        } catch (...) {
            broken_ = std::current_exception();
        }
        if (stream_) stream_->close();
        retry_.notify();
    }

    asio::awaitable<void> reconcile_once() {
        const auto stream = stream_number_;
        const auto asked_at = applied_.revision();
        auto answer = co_await ask();
        if (!answer) {
            co_await reconcile_timer_.wait_until(steady::now() + options_.grace);
            answer = co_await ask();
        }
        if (stream != stream_number_ || !connected_) co_return;
        if (!answer) {
            relist(answer.error().text);
            co_return;
        }
        auto verdict = applied_.compare(*answer, asked_at);
        if (verdict == applied::verdict::differs) {
            co_await reconcile_timer_.wait_until(steady::now() + options_.grace);
            if (stream != stream_number_ || !connected_) co_return;
            verdict = applied_.compare(*answer, asked_at);
        }
        if (verdict == applied::verdict::same) co_return;
        etcd_.avoid(stream_->address());
        if (verdict == applied::verdict::differs)
            relist("etcd watch at " + stream_->address() + ": a change was missed");
        else
            relist("etcd watch at " + stream_->address() +
                   ": the cluster is another one or went back");
    }

    asio::awaitable<result<txn_result>> ask() {
        txn_request request;
        request.then = applied_.questions();
        auto answer = co_await etcd_.txn(std::move(request));
        co_return answer;
    }

    steady::duration jitter() {
        if (options_.reconcile_jitter.count() <= 0) return {};
        std::uniform_int_distribution<std::int64_t> draw{0, options_.reconcile_jitter.count()};
        return std::chrono::milliseconds{draw(random_)};
    }

    asio::any_io_executor executor_;
    client& etcd_;
    watch_options options_;
    watch_handler& handler_;
    applied applied_;
    async::event retry_;            // ends the wait before the next attempt
    async::event reconcile_timer_;  // only its deadline ends it
    std::minstd_rand random_;
    std::unique_ptr<watch_stream> stream_;
    std::uint64_t stream_number_ = 0;  // which stream an answer of reconcile belongs to
    steady::time_point connected_since_;
    std::string relist_reason_;  // the stream was closed from here, and why
    std::exception_ptr broken_;  // reconcile() failed in a way that is a bug
    int older_seen_ = 0;
    bool need_snapshot_ = true;
    bool connected_ = false;
    bool progress_ = false;  // events came since the last attempt began
};

watch::watch(asio::any_io_executor executor, client& etcd, watch_options options,
             watch_handler& handler)
    : follower_{
          std::make_unique<follower>(std::move(executor), etcd, std::move(options), handler)} {}

watch::~watch() = default;

asio::awaitable<void> watch::run() {
    return follower_->run();
}

void watch::refresh() {
    follower_->relist("a new snapshot was asked for");
}

}  // namespace logagent::etcd

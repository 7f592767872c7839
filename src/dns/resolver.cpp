#include "logagent/dns/resolver.hpp"

#include <sys/stat.h>

#include <list>
#include <map>
#include <set>
#include <tuple>

#include "dns/cache.hpp"
#include "dns/channel.hpp"
#include "logagent/async/event.hpp"

namespace logagent::dns {

namespace asio = boost::asio;

namespace {

using file_mark = std::tuple<std::int64_t, std::int64_t, std::uint64_t, std::int64_t>;

/// Changes whenever the file does; a missing file has a mark too.
file_mark mark_of(const std::string& path) {
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0) return {};
    return {seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec, seen.st_ino, seen.st_size};
}

bool can_be_a_name(const std::string& host) {
    return !host.empty() && host.size() <= 253 && host.find('\0') == std::string::npos;
}

}  // namespace

class resolver::lookups {
public:
    lookups(asio::any_io_executor executor, resolver_options options)
        : executor_{std::move(executor)}, options_{std::move(options)} {
        rebuild();
    }

    asio::awaitable<answer> resolve(std::string host, clock::time_point deadline) {
        const auto asked_at = clock::now();
        follow_resolv_conf(asked_at);
        const auto known = cache_.look(host, asked_at);
        if (known == cache::knowledge::fresh) co_return cache_.known(host, asked_at);

        waiter me{executor_, pending_[host]};
        start(host);
        if (known == cache::knowledge::old)
            deadline = std::min(deadline, asked_at + options_.stale_after);
        while (!me.done && clock::now() < deadline)
            co_await me.changed.wait_until(deadline);
        co_return result(host, me.done);
    }

private:
    /// A coroutine that waits for a name; leaves the list when it ends, by whatever way.
    struct waiter {
        waiter(const asio::any_io_executor& executor, std::list<waiter*>& others)
            : changed{executor}, list{others}, place{others.insert(others.end(), this)} {}
        ~waiter() {
            if (!done) list.erase(place);
        }
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;

        async::event changed;
        bool done = false;
        std::list<waiter*>& list;
        std::list<waiter*>::iterator place;
    };

    void start(const std::string& host) {
        // A look-up whose waiters have all given up goes on and fills the cache.
        if (!running_.insert(host).second) return;
        channel_->look_up(
            host, [this, host](channel::outcome outcome) { finished(host, std::move(outcome)); });
    }

    void finished(const std::string& host, channel::outcome outcome) {
        running_.erase(host);
        if (outcome.aborted) {
            again_.push_back(host);
            return;
        }
        const auto now = clock::now();
        if (outcome.failure.empty())
            cache_.succeeded(host, std::move(outcome.addresses), outcome.ttl, now);
        else
            cache_.failed(host, "cannot resolve " + host + ": " + outcome.failure, now);
        const auto waiting = pending_.extract(host);
        if (waiting.empty()) return;
        for (waiter* one : waiting.mapped()) {
            one->done = true;
            one->changed.notify();
        }
    }

    answer result(const std::string& host, bool looked_up) {
        answer found = cache_.known(host, clock::now());
        if (!looked_up) {
            found.stale = !found.addresses.empty();
            found.failure = "cannot resolve " + host + ": no answer from the name servers in time";
        }
        return found;
    }

    void follow_resolv_conf(clock::time_point now) {
        if (!options_.servers.empty() || now < next_look_) return;
        next_look_ = now + options_.look_again;
        if (mark_of(options_.resolv_conf) != mark_) rebuild();
    }

    void rebuild() {
        mark_ = mark_of(options_.resolv_conf);
        channel_.reset();  // ends what is under way with `aborted`
        channel_ = std::make_unique<channel>(executor_, options_);
        for (const auto& host : std::exchange(again_, {}))
            start(host);
    }

    asio::any_io_executor executor_;
    resolver_options options_;
    cache cache_;
    std::map<std::string, std::list<waiter*>> pending_;
    std::set<std::string> running_;
    std::vector<std::string> again_;  // look-ups that a rebuilt channel has to repeat
    file_mark mark_;
    clock::time_point next_look_{};
    std::unique_ptr<channel> channel_;  // last: its end calls finished()
};

resolver::resolver(asio::any_io_executor executor, resolver_options options)
    : lookups_{std::make_unique<lookups>(std::move(executor), std::move(options))} {}

resolver::~resolver() = default;

asio::awaitable<answer> resolver::resolve(std::string host, clock::time_point deadline) {
    answer known;
    boost::system::error_code not_numeric;
    const auto address = asio::ip::make_address(host, not_numeric);
    if (!not_numeric) {
        known.addresses.push_back(address);
        known.ttl = std::chrono::seconds{60};
        co_return known;
    }
    if (!can_be_a_name(host)) {
        known.failure = "'" + host + "' is not a host name";
        co_return known;
    }
    auto found = co_await lookups_->resolve(std::move(host), deadline);
    co_return found;
}

}  // namespace logagent::dns

#include "logagent/etcd/presence.hpp"

#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"

namespace logagent::etcd {

namespace asio = boost::asio;

namespace {

using steady = std::chrono::steady_clock;

operation put_of(const std::string& key, const std::string& value, std::int64_t lease) {
    operation made;
    made.what = operation::kind::put;
    made.keys.key = key;
    made.value = value;
    made.lease = lease;
    return made;
}

compare condition(const std::string& key, compare::target what, std::int64_t number) {
    compare made;
    made.key = key;
    made.what = what;
    made.number = number;
    return made;
}

}  // namespace

class presence::holder {
public:
    holder(asio::any_io_executor executor, client& etcd, presence_options options,
           std::function<void()> changed)
        : etcd_{etcd},
          options_{std::move(options)},
          changed_{std::move(changed)},
          wake_{std::move(executor)} {}

    void show(std::string value) {
        wanted_ = std::move(value);
        shown_ = false;
        wake_.notify();
    }

    /// Takes the key and keeps it, for ever.
    asio::awaitable<void> run() {
        async::backoff waits{options_.first_retry, options_.longest_retry, options_.seed};
        for (;;) {
            while (!wanted_)
                co_await wake_.wait();
            auto failure = co_await take_keys();
            if (!failure) {
                waits.reset();
                failure = co_await keep();
            }
            // Only a lease that may still live is worth keeping: the next one starts anew.
            if (failure->why == error::cause::not_found) lease_ = 0;
            set(state::absent, {}, failure->text);
            co_await wait(waits.next());
        }
    }

    asio::awaitable<void> release() {
        if (lease_ == 0) co_return;
        const auto lease = std::exchange(lease_, 0);
        set(state::absent, {}, {});
        // Best effort: without it the key goes away with the lease.
        auto revoked = co_await etcd_.revoke(lease);
        if (!revoked) text_ = revoked.error().text;
    }

    state state_ = state::absent;
    std::string held_;
    std::string text_;

private:
    enum class outcome { taken, foreign };

    /// A lease, and the first of the two keys that is free.
    asio::awaitable<std::optional<error>> take_keys() {
        if (lease_ == 0) {
            auto granted = co_await etcd_.grant(options_.ttl);
            if (!granted) co_return granted.error();
            lease_ = granted->id;
            renew_at_ = steady::now() + third();
        }
        auto main = co_await take(options_.key);
        if (!main) co_return main.error();
        if (*main == outcome::taken) {
            set(state::held, options_.key, {});
            co_return std::nullopt;
        }
        const std::string text = "another program holds " + options_.key;
        if (options_.other_key.empty()) {
            set(state::duplicate, {}, text);
            co_return std::nullopt;
        }
        auto other = co_await take(options_.other_key);
        if (!other) co_return other.error();
        if (*other == outcome::taken)
            set(state::duplicate, options_.other_key, text);
        else
            set(state::duplicate, {}, text + ", and another one " + options_.other_key);
        co_return std::nullopt;
    }

    /// Writes the value if the key is absent, or if it is ours; foreign otherwise.
    asio::awaitable<result<outcome>> take(std::string key) {
        const std::string value = *wanted_;
        txn_request create;
        create.conditions.push_back(condition(key, compare::target::version, 0));
        create.then.push_back(put_of(key, value, lease_));
        operation look;
        look.keys.key = key;
        create.otherwise.push_back(look);
        auto created = co_await etcd_.txn(std::move(create));
        if (!created) co_return created.error();
        if (created->succeeded) co_return done(value);

        if (created->answers.empty() || created->answers[0].keys.empty())
            co_return error{error::cause::protocol,
                            "etcd txn: the key is neither there nor absent"};
        const auto& found = created->answers[0].keys[0];
        const bool ours = found.lease == lease_ || (options_.ours && options_.ours(found.value));
        if (!ours) co_return outcome::foreign;
        txn_request replace;
        replace.conditions.push_back(
            condition(key, compare::target::mod_revision, found.mod_revision));
        replace.then.push_back(put_of(key, value, lease_));
        auto replaced = co_await etcd_.txn(std::move(replace));
        if (!replaced) co_return replaced.error();
        if (!replaced->succeeded) co_return outcome::foreign;
        co_return done(value);
    }

    steady::duration third() const { return steady::duration{options_.ttl} / 3; }

    outcome done(const std::string& value) {
        shown_ = *wanted_ == value;
        return outcome::taken;
    }

    /// Renews the lease and writes new values until something fails.
    asio::awaitable<std::optional<error>> keep() {
        auto try_main_at = steady::now() + options_.ttl;
        for (;;) {
            auto wake_at = renew_at_;
            if (state_ == state::duplicate) wake_at = std::min(wake_at, try_main_at);
            if (shown_ || held_.empty()) co_await wake_.wait_until(wake_at);
            if (!shown_ && !held_.empty()) {
                auto failure = co_await write_value();
                if (failure) co_return failure;
            }
            const auto now = steady::now();
            if (now >= renew_at_) {
                auto kept = co_await etcd_.keep_alive(lease_);
                if (!kept) co_return kept.error();
                renew_at_ = now + third();
            }
            if (state_ == state::duplicate && now >= try_main_at) {
                try_main_at = now + options_.ttl;
                auto failure = co_await take_main();
                if (failure) co_return failure;
            }
        }
    }

    /// The other holder may be gone, for example our own lost run from before.
    asio::awaitable<std::optional<error>> take_main() {
        auto taken = co_await take(options_.key);
        if (!taken) co_return taken.error();
        if (*taken == outcome::foreign) co_return std::nullopt;
        const std::string left = std::exchange(held_, {});
        set(state::held, options_.key, {});
        if (left.empty()) co_return std::nullopt;
        txn_request leave;
        leave.conditions.push_back(condition(left, compare::target::lease, lease_));
        operation removal;
        removal.what = operation::kind::remove;
        removal.keys.key = left;
        leave.then.push_back(removal);
        auto gone = co_await etcd_.txn(std::move(leave));
        if (!gone) co_return gone.error();
        co_return std::nullopt;
    }

    asio::awaitable<std::optional<error>> write_value() {
        const std::string value = *wanted_;
        txn_request update;
        update.conditions.push_back(condition(held_, compare::target::lease, lease_));
        update.then.push_back(put_of(held_, value, lease_));
        auto updated = co_await etcd_.txn(std::move(update));
        if (!updated) co_return updated.error();
        if (!updated->succeeded)
            co_return error{error::cause::invalid,
                            held_ + " was deleted or taken by another program"};
        shown_ = *wanted_ == value;
        co_return std::nullopt;
    }

    asio::awaitable<void> wait(steady::duration span) {
        const auto until = steady::now() + span;
        // A new value does not shorten the wait after a failure.
        while (steady::now() < until)
            co_await wake_.wait_until(until);
    }

    void set(state now, std::string held, std::string text) {
        const bool other = now != state_ || held != held_ || text != text_;
        state_ = now;
        held_ = std::move(held);
        text_ = std::move(text);
        if (other && changed_) changed_();
    }

    client& etcd_;
    presence_options options_;
    std::function<void()> changed_;
    async::event wake_;  // a new value
    std::optional<std::string> wanted_;
    bool shown_ = false;  // etcd has the wanted value
    std::int64_t lease_ = 0;
    steady::time_point renew_at_{};
};

presence::presence(asio::any_io_executor executor, client& etcd, presence_options options,
                   std::function<void()> changed)
    : holder_{std::make_unique<holder>(std::move(executor), etcd, std::move(options),
                                       std::move(changed))} {}

presence::~presence() = default;

void presence::show(std::string value) {
    holder_->show(std::move(value));
}
presence::state presence::now() const {
    return holder_->state_;
}
const std::string& presence::held_key() const {
    return holder_->held_;
}
const std::string& presence::text() const {
    return holder_->text_;
}
asio::awaitable<void> presence::run() {
    return holder_->run();
}
asio::awaitable<void> presence::release() {
    return holder_->release();
}

}  // namespace logagent::etcd

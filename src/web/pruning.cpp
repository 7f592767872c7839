#include "pruning.hpp"

#include <algorithm>
#include <map>

#include "logagent/base/bytes.hpp"
#include "logagent/fleet/rollout.hpp"
#include "problem.hpp"
#include "stamp.hpp"

namespace logagent::web {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
constexpr std::size_t keys_a_step = 100;
constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

asio::awaitable<std::vector<std::string>> keys_below(parts& with, std::string prefix) {
    const etcd::key_range keys{std::move(prefix), true};
    etcd::range_options options;
    options.keys_only = true;
    const auto found = co_await with.store.range(keys, options);
    std::vector<std::string> out;
    for (const auto& entry : found.keys)
        out.push_back(entry.key);
    co_return out;
}

asio::awaitable<void> remove_all(parts& with, std::vector<std::string> keys) {
    for (std::size_t begin = 0; begin < keys.size(); begin += keys_a_step) {
        etcd::txn_request request;
        const auto end = std::min(begin + keys_a_step, keys.size());
        for (auto i = begin; i < end; ++i)
            request.then.push_back(remove(keys[i]));
        auto done = co_await with.store.etcd().txn(std::move(request));
        if (!done) throw refused{503, "etcd_unavailable", done.error().text};
    }
}

/// Records whose keys are ULIDs, newest first.
std::vector<dated_key> by_ulid(std::vector<std::string> keys, std::size_t prefix) {
    std::ranges::sort(keys, std::greater{});
    std::vector<dated_key> out;
    for (auto& key : keys) {
        const auto at = time_of_ulid(std::string_view{key}.substr(prefix));
        out.push_back({std::move(key), at});
    }
    return out;
}

asio::awaitable<std::size_t> prune_audit(parts& with, pruning_limits limits, std::int64_t now_ms) {
    std::string prefix = with.keys.audits();
    auto keys = co_await keys_below(with, prefix);
    const auto dated = by_ulid(std::move(keys), prefix.size());
    auto gone = expired(dated, limits.audit_records, limits.audit_days, 0, now_ms);
    const auto count = gone.size();
    co_await remove_all(with, std::move(gone));
    co_return count;
}

/// Rollouts that are over; those that are not are named below `rolling`.
asio::awaitable<std::size_t> prune_rollouts(parts& with, pruning_limits limits,
                                            std::int64_t now_ms) {
    const etcd::key_range locks{with.keys.rolling(), true};
    const auto active = co_await with.store.range(locks);
    std::string prefix = with.keys.rollouts();
    auto keys = co_await keys_below(with, prefix);
    std::erase_if(keys, [&](const std::string& key) {
        return std::ranges::any_of(active.keys, [&](const etcd::key_value& lock) {
            return with.keys.rollout(lock.value) == key;
        });
    });
    const auto dated = by_ulid(std::move(keys), prefix.size());
    auto gone = expired(dated, limits.rollouts, 0, 0, now_ms);
    const auto count = gone.size();
    co_await remove_all(with, std::move(gone));
    co_return count;
}

using revision_keys = std::vector<std::pair<std::uint64_t, std::string>>;  // newest first

/// Keys of those, from the oldest on, that were made before `limit`, an RFC 3339 time in UTC.
asio::awaitable<std::vector<std::string>> made_before(parts& with, const revision_keys& revisions,
                                                      std::string limit) {
    std::vector<std::string> out;
    for (auto i = revisions.size(); i > young_revisions; --i) {
        const std::string& key = revisions[i - 1].second;
        const auto found = co_await with.store.get(key);
        const auto* at = found.value.if_contains("at");
        // Such times sort as text. What has none stays for its number.
        if (!at || !at->is_string() || std::string_view{at->get_string()} >= limit) break;
        out.push_back(key);
    }
    co_return out;
}

asio::awaitable<std::size_t> prune_revisions(parts& with, pruning_limits limits,
                                             std::int64_t now_ms) {
    std::string prefix = with.keys.revisions("");
    prefix.pop_back();  // of every service
    const auto keys = co_await keys_below(with, prefix);
    std::map<std::string, revision_keys> services;
    for (const auto& key : keys) {
        const auto rest = std::string_view{key}.substr(prefix.size());
        const auto slash = rest.find('/');
        if (slash == rest.npos) continue;
        const auto number = base::parse_unsigned(rest.substr(slash + 1));
        if (number) services[std::string{rest.substr(0, slash)}].emplace_back(*number, key);
    }
    std::vector<std::string> gone;
    const auto limit = utc_time(now_ms - limits.revision_days * day_ms);
    for (auto& [service, revisions] : services) {
        std::ranges::sort(revisions, std::greater{});
        // The newest stays in any case: numbers go on from it.
        const auto most = std::max<std::size_t>(limits.revisions, 1);
        for (auto i = most; i < revisions.size(); ++i)
            gone.push_back(revisions[i].second);
        revisions.resize(std::min(most, revisions.size()));
        if (limits.revision_days == 0) continue;
        const auto old = co_await made_before(with, revisions, limit);
        gone.insert(gone.end(), old.begin(), old.end());
    }
    const auto count = gone.size();
    co_await remove_all(with, std::move(gone));
    co_return count;
}

}  // namespace

std::int64_t time_of_ulid(std::string_view ulid) {
    if (ulid.size() != 26) return 0;
    std::int64_t out = 0;
    for (const char c : ulid.substr(0, 10)) {
        const auto digit = alphabet.find(c);
        if (digit == alphabet.npos) return 0;
        out = out * 32 + static_cast<std::int64_t>(digit);
    }
    return out;
}

std::vector<std::string> expired(std::span<const dated_key> newest_first, std::size_t most,
                                 std::int64_t days, std::size_t always, std::int64_t now_ms) {
    std::vector<std::string> out;
    for (std::size_t i = always; i < newest_first.size(); ++i) {
        const auto& one = newest_first[i];
        // What has no time is as old as its place says.
        const bool old = days > 0 && one.at_ms > 0 && now_ms - one.at_ms > days * day_ms;
        if (old || i >= most) out.push_back(one.key);
    }
    return out;
}

asio::awaitable<std::size_t> prune(parts& with, pruning_limits limits, std::int64_t now_ms) {
    const auto records = co_await prune_audit(with, limits, now_ms);
    const auto rollouts = co_await prune_rollouts(with, limits, now_ms);
    const auto revisions = co_await prune_revisions(with, limits, now_ms);
    co_return records + rollouts + revisions;
}

}  // namespace logagent::web

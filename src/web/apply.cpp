#include "apply.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <tuple>

#include "endpoint.hpp"
#include "logagent/async/backoff.hpp"
#include "logagent/base/json.hpp"
#include "logagent/base/log.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "logagent/fleet/transaction.hpp"
#include "new_hosts.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "token.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_listed = 100;
constexpr std::size_t note_bytes = 160;     // of a key that remembers what was rendered
constexpr std::size_t record_bytes = 2048;  // of an apply record, without the addresses it lists
constexpr int most_tries = 6;               // of one batch without an answer, or without success

json::array keys_json(const std::vector<fleet::planned_key>& keys, bool with_reason) {
    json::array out;
    for (const auto& key : keys) {
        if (out.size() == most_listed) break;
        json::object one;
        one["host"] = key.host;
        one["address"] = key.address;
        if (with_reason) one["reason"] = fleet::name_of(key.held);
        out.push_back(std::move(one));
    }
    return out;
}

/// Adds the writes of a batch to a transaction, each with the note of what was rendered.
void add_writes(const parts& with, const prepared_plan& prepared, const fleet::key_batch& batch,
                std::vector<etcd::compare>& conditions, std::vector<etcd::operation>& operations) {
    const auto writes = fleet::writes_of(prepared.plan, prepared.wanted, with.keys.prefix(), batch);
    for (std::size_t i = 0; i < writes.size(); ++i) {
        const auto& address = prepared.plan.writes[batch.first + i].address;
        conditions.push_back(unchanged(writes[i].key, writes[i].mod_revision));
        operations.push_back(put(writes[i].key, writes[i].value));
        operations.push_back(
            put(with.keys.rendered(address), fleet::content_hash(writes[i].value)));
    }
}

fleet::transaction_limits limits_of(std::size_t operations_kept, std::size_t bytes_kept) {
    fleet::transaction_limits out;
    out.operations_each = 2;
    out.bytes_each = note_bytes;
    out.operations_kept = operations_kept;
    out.bytes_kept = bytes_kept;
    return out;
}

std::size_t size_of(const apply_record& record) {
    return record_bytes + 64 * record.options.take_over.size();
}

/// Moves the record to the end of a batch.
void move_on(apply_record& record, const fleet::plan& plan, const fleet::key_batch& batch) {
    const auto& last = plan.writes[batch.last - 1];
    record.host = last.host;
    record.address = last.address;
    record.written += batch.last - batch.first;
}

/// Writes what a record leaves to be written.
class finishing {
public:
    finishing(parts& with, apply_record record) : with_{with}, record_{std::move(record)} {
        with_.applying.insert(record_.id);
    }
    ~finishing() { with_.applying.erase(record_.id); }
    finishing(const finishing&) = delete;
    finishing& operator=(const finishing&) = delete;

    /// Goes on with a plan that was made already, from one of its batches.
    asio::awaitable<void> go_on(const prepared_plan& prepared,
                                std::vector<fleet::key_batch> batches, std::size_t from,
                                carried_out& out) {
        auto now = co_await write(prepared, batches, from, out);
        while (now == outcome::moved)
            now = co_await plan_again(out);
        if (now == outcome::given_up) out.pending = left_;
    }

    /// Makes a plan of its own.
    asio::awaitable<void> take_up(carried_out& out) {
        auto now = outcome::moved;
        while (now == outcome::moved)
            now = co_await plan_again(out);
        if (now == outcome::given_up) out.pending = left_;
    }

private:
    enum class outcome { done, moved, given_up, taken };

    /// Renders once more: keys that somebody has changed meanwhile get what is right by now.
    asio::awaitable<outcome> plan_again(carried_out& out) {
        const auto state = co_await read_fleet(with_);
        auto prepared = co_await prepare(state, record_.options);
        if (!record_.only_service.empty()) keep_service(prepared, state, record_.only_service);
        if (record_.addresses_only) keep_addresses(prepared);
        if (record_.additions_only) keep_additions(prepared);
        std::erase_if(prepared.plan.writes,
                      [&](const fleet::planned_key& key) { return !record_.before(key); });
        const auto limits = limits_of(1, size_of(record_));
        auto batches = fleet::split(prepared.plan, with_.keys.prefix(), limits);
        if (batches.empty()) {
            const auto gone = co_await remove_record();
            co_return gone;
        }
        const auto now = co_await write(prepared, std::move(batches), 0, out);
        co_return now;
    }

    asio::awaitable<outcome> write(const prepared_plan& prepared,
                                   std::vector<fleet::key_batch> batches, std::size_t from,
                                   carried_out& out) {
        for (auto i = from; i < batches.size(); ++i) {
            left_ = prepared.plan.writes.size() - batches[i].first;
            const bool skip = conflicts_ > most_tries;
            const auto now =
                co_await write_batch(prepared, batches[i], i + 1 == batches.size(), skip);
            if (now == outcome::moved) ++conflicts_;
            if (now != outcome::done) co_return now;
            conflicts_ = 0;
            auto& list = skip ? out.failed : out.written;
            const auto begin = prepared.plan.writes.begin();
            list.insert(list.end(), begin + static_cast<std::ptrdiff_t>(batches[i].first),
                        begin + static_cast<std::ptrdiff_t>(batches[i].last));
        }
        co_return outcome::done;
    }

    /// One transaction. `skip`: somebody keeps changing these keys, so only the record moves on.
    asio::awaitable<outcome> write_batch(const prepared_plan& prepared, fleet::key_batch batch,
                                         bool last, bool skip) {
        auto next = record_;
        move_on(next, prepared.plan, batch);
        const auto key = with_.keys.apply(record_.id);
        const auto text = json::serialize(to_json(next));
        async::backoff pause{50ms, 2s, static_cast<std::uint64_t>(record_.mod_revision)};
        for (int attempt = 0; attempt < most_tries; ++attempt) {
            etcd::txn_request request;
            request.conditions.push_back(unchanged(key, record_.mod_revision));
            request.then.push_back(last ? remove(key) : put(key, text));
            if (!skip) add_writes(with_, prepared, batch, request.conditions, request.then);
            auto done = co_await with_.store.etcd().txn(std::move(request));
            if (done && done->succeeded) {
                next.mod_revision = done->header.revision;
                record_ = std::move(next);
                co_return outcome::done;
            }
            if (!done) {
                LOGAGENT_LOG(warn, "web.apply", done.error().text);
                co_await wait(pause.next());
            }
            const auto now = co_await look(next, last);
            // Without an answer, and without an effect: the same once more.
            const bool again = !now || (!done && *now == outcome::moved);
            if (!again) co_return *now;
        }
        co_return outcome::given_up;
    }

    /// What has become of the record; nullopt: it cannot be read.
    asio::awaitable<std::optional<outcome>> look(const apply_record& next, bool last) {
        etcd::key_range keys{with_.keys.apply(record_.id)};
        auto found = co_await with_.store.etcd().range(keys);
        if (!found) co_return std::nullopt;
        // It is removed with the last batch only.
        if (found->keys.empty()) co_return last ? outcome::done : outcome::taken;
        const auto& entry = found->keys.front();
        if (entry.mod_revision == record_.mod_revision) co_return outcome::moved;
        auto stored = parse_apply(record_.id, entry.value);
        if (!stored || stored->replica != record_.replica) co_return outcome::taken;
        if (stored->host != next.host || stored->address != next.address) co_return outcome::taken;
        // The transaction whose answer was lost has been made.
        record_ = *std::move(stored);
        record_.mod_revision = entry.mod_revision;
        co_return outcome::done;
    }

    asio::awaitable<outcome> remove_record() {
        etcd::txn_request request;
        const auto key = with_.keys.apply(record_.id);
        request.conditions.push_back(unchanged(key, record_.mod_revision));
        request.then.push_back(remove(key));
        auto done = co_await with_.store.etcd().txn(std::move(request));
        co_return done ? outcome::done : outcome::given_up;
    }

    static asio::awaitable<void> wait(std::chrono::steady_clock::duration span) {
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor, span};
        co_await timer.async_wait(asio::use_awaitable);
    }

    parts& with_;
    apply_record record_;
    std::size_t left_ = 0;
    int conflicts_ = 0;
};

/// Takes a record over from a process that is gone; false = somebody else was faster.
asio::awaitable<bool> take_over(parts& with, apply_record& record) {
    record.replica = with.replica;
    const auto key = with.keys.apply(record.id);
    etcd::txn_request request;
    request.conditions.push_back(unchanged(key, record.mod_revision));
    request.then.push_back(put(key, json::serialize(to_json(record))));
    auto done = co_await with.store.etcd().txn(std::move(request));
    if (!done) throw refused{503, "etcd_unavailable", done.error().text};
    record.mod_revision = done->header.revision;
    co_return done->succeeded;
}

}  // namespace

bool apply_record::before(const fleet::planned_key& key) const {
    return std::tie(host, address) < std::tie(key.host, key.address);
}

json::object to_json(const apply_record& record) {
    json::object out;
    out["replica"] = record.replica;
    out["action"] = record.action;
    out["target"] = record.target;
    out["only_service"] = record.only_service;
    out["addresses_only"] = record.addresses_only;
    out["additions_only"] = record.additions_only;
    json::array take_over;
    for (const auto& address : record.options.take_over)
        take_over.emplace_back(address);
    out["take_over"] = std::move(take_over);
    out["repair_drift"] = record.options.repair_drift;
    out["empty_orphans"] = record.options.empty_orphans;
    out["host"] = record.host;
    out["address"] = record.address;
    out["written"] = record.written;
    out["total"] = record.total;
    return out;
}

std::optional<apply_record> parse_apply(std::string_view id, std::string_view text) {
    const auto parsed = base::parse_json(text);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    const base::json_field field{*parsed};
    apply_record out;
    out.id = id;
    bool good = true;
    const auto read_text = [&](std::string_view name, std::string& into) {
        const auto found = field.at(name);
        const auto value =
            found ? found->text() : base::json_result<std::string_view>{found.error()};
        good = good && value;
        if (value) into = *value;
    };
    const auto read_flag = [&](std::string_view name, bool& into) {
        const auto found = field.at(name);
        const auto value = found ? found->boolean() : base::json_result<bool>{found.error()};
        good = good && value;
        if (value) into = *value;
    };
    const auto read_count = [&](std::string_view name, std::size_t& into) {
        const auto found = field.find(name);
        const auto value = found ? found->unsigned_integer() : base::json_result<std::uint64_t>{0};
        if (value) into = *value;
    };
    read_text("replica", out.replica);
    read_text("action", out.action);
    read_text("target", out.target);
    read_text("only_service", out.only_service);
    read_text("host", out.host);
    read_text("address", out.address);
    read_flag("addresses_only", out.addresses_only);
    read_flag("additions_only", out.additions_only);
    read_flag("repair_drift", out.options.repair_drift);
    read_flag("empty_orphans", out.options.empty_orphans);
    read_count("written", out.written);
    read_count("total", out.total);
    if (const auto list = field.find("take_over"); list && list->value().is_array())
        for (const auto& each : list->value().get_array())
            if (each.is_string()) out.options.take_over.emplace(each.get_string());
    if (!good) return std::nullopt;
    return out;
}

asio::awaitable<std::optional<carried_out>> carry_out(parts& with, exchange& one,
                                                      const prepared_plan& prepared, change what) {
    const auto& plan = prepared.plan;
    apply_record record;
    record.id = ulid(one.now_ms, random_bytes(10));
    record.replica = with.replica;
    record.action = one.asked->change;
    record.target = one.target;
    record.only_service = prepared.only_service;
    record.addresses_only = prepared.addresses_only;
    record.additions_only = prepared.additions_only;
    record.options = prepared.options;
    record.total = plan.writes.size();
    // The audit record, an answer kept for an Idempotency-Key, and the apply record.
    auto limits = limits_of(std::max(what.operations.size(), what.conditions.size()) + 3,
                            (16 << 10) + what.answer.size() + size_of(record));
    for (const auto& operation : what.operations)
        limits.bytes_kept += operation.keys.key.size() * 2 + operation.value.size() + 64;
    const auto batches = fleet::split(plan, with.keys.prefix(), limits);
    carried_out out;
    if (!batches.empty()) {
        add_writes(with, prepared, batches.front(), what.conditions, what.operations);
        move_on(record, plan, batches.front());
        const auto end = plan.writes.begin() + static_cast<std::ptrdiff_t>(batches.front().last);
        out.written.assign(plan.writes.begin(), end);
    }
    if (batches.size() > 1)
        what.operations.push_back(
            put(with.keys.apply(record.id), json::serialize(to_json(record))));
    what.audit["hosts_to_write"] = plan.writes.size();
    const auto revision = co_await with.store.commit(one, std::move(what));
    if (!revision) co_return std::nullopt;
    out.revision = *revision;
    if (batches.size() < 2) co_return out;
    record.mod_revision = *revision;
    finishing rest{with, std::move(record)};
    std::string failure;
    try {
        co_await rest.go_on(prepared, batches, 1, out);
    } catch (const refused& why) {
        failure = why.what();
    }
    if (!failure.empty()) {
        LOGAGENT_LOG(warn, "web.apply", failure << "; the rest is written when etcd answers");
        out.pending = plan.writes.size() - std::min(plan.writes.size(), out.written.size());
    }
    co_return out;
}

json::object outcome_json(const prepared_plan& prepared, const carried_out& done) {
    auto summary = fleet::summary_json(prepared.plan);
    json::object out;
    out["written"] = done.written.size();
    out["unchanged"] = prepared.plan.unchanged;
    out["pending"] = done.pending;
    out["held"] = keys_json(prepared.plan.held, true);
    out["failed"] = keys_json(done.failed, false);
    for (const auto* name : {"errors", "warnings"})
        if (const auto* list = summary.if_contains(name)) out[name] = *list;
    return out;
}

asio::awaitable<void> finish_applies(parts& with) {
    const etcd::key_range all{with.keys.applies(), true};
    const auto found = co_await with.store.range(all);
    if (found.keys.empty()) co_return;
    const etcd::key_range replicas{with.keys.replicas(), true};
    const auto alive = co_await with.store.range(replicas);
    for (const auto& entry : found.keys) {
        const auto id = behind(entry.key, all.key);
        auto record = parse_apply(id, entry.value);
        if (!record || with.applying.contains(record->id)) continue;
        const auto key = with.keys.replica(record->replica);
        const bool lives =
            std::ranges::find(alive.keys, key, &etcd::key_value::key) != alive.keys.end();
        if (lives && record->replica != with.replica) continue;
        record->mod_revision = entry.mod_revision;
        const auto ours = co_await take_over(with, *record);
        if (!ours) continue;
        LOGAGENT_LOG(info, "web.apply",
                     "goes on with " << record->action << " of " << record->target << ", "
                                     << record->written << " of " << record->total
                                     << " keys were written");
        finishing rest{with, *std::move(record)};
        carried_out out;
        co_await rest.take_up(out);
    }
}

}  // namespace logagent::web

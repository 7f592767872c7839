#include "logagent/web/doctor.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "etcd_findings.hpp"
#include "key_names.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/etcd/client.hpp"
#include "logagent/http/client.hpp"
#include "repository.hpp"

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

bool is_loopback(const http::endpoint& at) {
    boost::system::error_code no_address;
    const auto address = asio::ip::make_address(at.host, no_address);
    return at.host == "localhost" || (!no_address && address.is_loopback());
}

/// A transaction that writes nothing: its condition never holds. etcd asks for the permission to
/// write all the same.
etcd::txn_request harmless_write(const key_names& keys) {
    etcd::txn_request out;
    const std::string key = keys.prefix() + "_meta/doctor";
    etcd::compare never;
    never.key = key;
    never.what = etcd::compare::target::version;
    never.is = etcd::compare::relation::less;
    never.number = 0;
    out.conditions.push_back(never);
    out.then.push_back(put(key, ""));
    return out;
}

class examination {
public:
    examination(asio::any_io_executor executor, const settings& chosen)
        : settings_{chosen},
          keys_{chosen.prefix},
          names_{executor},
          http_{executor, names_, http_options(chosen)},
          etcd_{executor, names_, etcd_options(chosen, true)},
          anonymous_{executor, names_, etcd_options(chosen, false)} {}

    asio::awaitable<etcd_seen> run() {
        etcd_seen out;
        out.with_user = !settings_.etcd_user.empty();
        for (const auto& one : settings_.etcd_addr)
            out.plain_remote = out.plain_remote || (!one.tls && !is_loopback(one));
        co_await look_at_writes(out);
        co_await look_at_history(out);
        for (const auto& one : settings_.etcd_addr)
            co_await look_at_endpoint(one, out);
        co_return out;
    }

private:
    static http::client_options http_options(const settings& from) {
        http::client_options out;
        out.tls = {from.etcd_ca, from.etcd_cert, from.etcd_key};
        return out;
    }

    static etcd::client_options etcd_options(const settings& from, bool with_user) {
        etcd::client_options out;
        out.endpoints = from.etcd_addr;
        out.timeout = from.etcd_timeout;
        if (with_user) {
            out.user = from.etcd_user;
            out.password_file = from.etcd_password_file;
        }
        out.tls = {from.etcd_ca, from.etcd_cert, from.etcd_key};
        return out;
    }

    asio::awaitable<void> look_at_writes(etcd_seen& out) {
        auto question = harmless_write(keys_);
        auto own = co_await etcd_.txn(std::move(question));
        out.own_writes = own.has_value();
        if (!own) out.own_failure = base::visible(own.error().text, 300);
        auto again = harmless_write(keys_);
        auto anybody = co_await anonymous_.txn(std::move(again));
        if (anybody)
            out.anonymous_writes = true;
        else if (anybody.error().why == etcd::error::cause::auth)
            out.anonymous_writes = false;
    }

    /// Finds the oldest revision that etcd still answers for, by halving.
    asio::awaitable<void> look_at_history(etcd_seen& out) {
        etcd::key_range key{keys_.prefix() + "_meta/doctor"};
        auto now = co_await etcd_.range(key);
        if (!now) co_return;
        out.revision = now->header.revision;
        std::int64_t gone = 0;  // compacted, or before the first one
        auto there = out.revision;
        while (there - gone > 1) {
            const auto middle = gone + (there - gone) / 2;
            etcd::range_options then;
            then.revision = middle;
            auto found = co_await etcd_.range(key, then);
            if (!found && found.error().why != etcd::error::cause::compacted) co_return;
            (found ? there : gone) = middle;
        }
        out.kept_revisions = out.revision - there;
    }

    asio::awaitable<std::optional<std::string>> ask(http::endpoint at, std::string method,
                                                    std::string target, std::string body) {
        http::request what;
        what.method = std::move(method);
        what.target = std::move(target);
        what.body = std::move(body);
        const auto deadline = std::chrono::steady_clock::now() + settings_.etcd_timeout;
        auto answer = co_await http_.send(std::move(at), std::move(what), deadline);
        if (!answer) co_return std::nullopt;
        co_return answer->status == 200 ? answer->body : std::string{};
    }

    asio::awaitable<void> look_at_endpoint(http::endpoint at, etcd_seen& out) {
        // These three need no user, also where authentication is on.
        std::string method = "POST";
        std::string target = "/v3/maintenance/alarm";
        std::string body = R"({"action":"GET"})";
        const auto alarms = co_await ask(at, method, target, body);
        if (!alarms) {
            out.silent.push_back(at.authority());
            co_return;
        }
        note_alarms(*alarms, out);
        target = "/v3/cluster/member/list";
        body = "{}";
        const auto members = co_await ask(at, method, target, body);
        if (members) note_members(*members, out);
        method = "GET";
        target = "/metrics";
        body.clear();
        const auto metrics = co_await ask(at, method, target, body);
        if (!metrics) co_return;
        const auto used = metric_value(*metrics, "etcd_mvcc_db_total_size_in_bytes");
        if (used) out.used_bytes = std::max(out.used_bytes, *used);
        const auto quota = metric_value(*metrics, "etcd_server_quota_backend_bytes");
        if (quota) out.quota_bytes = quota;
    }

    static const json::array* list_in(const json::value& document, std::string_view name) {
        const auto* object = document.if_object();
        const auto* found = object ? object->if_contains(name) : nullptr;
        return found ? found->if_array() : nullptr;
    }

    static void note_alarms(const std::string& text, etcd_seen& out) {
        const auto parsed = base::parse_json(text);
        const auto* list = parsed ? list_in(*parsed, "alarms") : nullptr;
        if (!list) return;
        for (const auto& one : *list) {
            const auto* alarm = one.is_object() ? one.get_object().if_contains("alarm") : nullptr;
            if (!alarm || !alarm->is_string()) continue;
            std::string name{alarm->get_string()};
            if (std::find(out.alarms.begin(), out.alarms.end(), name) == out.alarms.end())
                out.alarms.push_back(std::move(name));
        }
    }

    static void note_members(const std::string& text, etcd_seen& out) {
        const auto parsed = base::parse_json(text);
        const auto* list = parsed ? list_in(*parsed, "members") : nullptr;
        if (list) out.members = std::max(out.members, list->size());
    }

    const settings& settings_;
    key_names keys_;
    dns::resolver names_;
    http::client http_;
    etcd::client etcd_;
    etcd::client anonymous_;
};

}  // namespace

int run_doctor(settings chosen, std::ostream& out) {
    asio::io_context loop{1};
    examination doctor{loop.get_executor(), chosen};
    etcd_seen seen;
    std::exception_ptr failure;
    asio::co_spawn(loop, doctor.run(), [&](std::exception_ptr thrown, etcd_seen result) {
        failure = thrown;
        seen = std::move(result);
    });
    loop.run();
    if (failure) std::rethrow_exception(failure);
    if (seen.silent.size() == chosen.etcd_addr.size()) {
        out << line_of({severity::bad, "no endpoint of etcd answers"}) << '\n';
        return 1;
    }
    bool bad = false;
    for (const auto& one : judge(seen)) {
        out << line_of(one) << '\n';
        bad = bad || one.how == severity::bad;
    }
    return bad ? 1 : 0;
}

}  // namespace logagent::web

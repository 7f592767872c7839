#include "logagent/etcd/client.hpp"

#include <openssl/crypto.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "etcd/codec.hpp"
#include "etcd/endpoints.hpp"
#include "etcd/stream.hpp"
#include "logagent/os/secret_file.hpp"

namespace logagent::etcd {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t error_body_limit = 64 << 10;

http::client_options for_http(const client_options& options) {
    http::client_options made;
    made.tls = options.tls;
    made.body_limit = options.answer_limit;
    // An endpoint that swallows packets must leave time for another one.
    if (options.endpoints.size() > 1) made.connect_timeout = options.timeout / 2;
    return made;
}

error::cause cause_of_http(const http::error& failure) {
    switch (failure.why) {
        case http::error::cause::too_large:
            return error::cause::too_large;
        case http::error::cause::protocol:
            return error::cause::protocol;
        default:
            return error::cause::unreachable;
    }
}

}  // namespace

class client::calls {
public:
    calls(asio::any_io_executor executor, dns::resolver& names, client_options options)
        : options_{std::move(options)},
          http_{std::move(executor), names, for_http(options_)},
          endpoints_{options_.endpoints, options_.seed, options_.bad_endpoint} {}

    /// One call; `repeatable`: asking twice does no harm.
    asio::awaitable<result<json::value>> call(const char* name, const char* path, json::object body,
                                              bool repeatable) {
        const auto deadline = clock::now() + options_.timeout;
        const std::string text = json::serialize(body);
        bool logged_in_again = false;
        error failure;
        for (std::size_t left = endpoints_.size(); left > 0;) {
            const http::endpoint to = endpoints_.pick(clock::now());
            const auto refused = co_await log_in(to, deadline);
            http::result<http::response> sent_back = http::response{};
            if (!refused) {
                auto what = make_request(path, text);
                sent_back = co_await send(to, std::move(what), deadline);
            }
            // More than one thing can go wrong, and only some of it is worth another try at once.
            const attempt tried = judge(name, to, refused, sent_back);
            failure = tried.failure;
            if (tried.good) {
                endpoints_.worked(to.authority());
                auto parsed = co_await parse(name, to, std::move(sent_back->body));
                co_return parsed;
            }
            if (tried.new_token && !logged_in_again) {
                logged_in_again = true;
                forget_token();
                continue;
            }
            if (!tried.bad_endpoint) break;
            endpoints_.failed(to.authority(), clock::now());
            if (!tried.not_executed && !repeatable) break;
            if (clock::now() >= deadline) break;
            --left;
        }
        co_return failure;
    }

    asio::awaitable<result<std::unique_ptr<watch_stream>>> watch(
        std::vector<watch_request> watches) {
        const auto deadline = clock::now() + options_.timeout;
        const std::string text = watch_body(watches);
        bool logged_in_again = false;
        error failure;
        for (std::size_t left = endpoints_.size(); left > 0;) {
            const http::endpoint to = endpoints_.pick(clock::now());
            const auto refused = co_await log_in(to, deadline);
            http::result<http::response> head = http::response{};
            std::unique_ptr<http::stream> body;
            if (!refused) {
                auto what = make_request("/v3/watch", text);
                auto opened = co_await http_.open(to, std::move(what), deadline);
                if (opened) {
                    body = std::move(*opened);
                    head = body->head();
                } else {
                    head = opened.error();
                }
            }
            if (body && head->status != 200) {
                auto whole = co_await read_body(*body, deadline);
                head->body = std::move(whole);
            }
            const attempt tried = judge("watch", to, refused, head);
            failure = tried.failure;
            if (tried.good)
                co_return std::make_unique<gateway_stream>(std::move(body), to.authority(),
                                                           options_.answer_limit);
            if (tried.new_token && !logged_in_again) {
                logged_in_again = true;
                forget_token();
                continue;
            }
            if (!tried.bad_endpoint) break;
            endpoints_.failed(to.authority(), clock::now());
            if (clock::now() >= deadline) break;
            --left;
        }
        co_return failure;
    }

    void avoid(std::string_view address) { endpoints_.failed(address, clock::now()); }
    void forget_token() { token_.clear(); }
    const client_options& options() const { return options_; }

private:
    struct attempt {
        bool good = false;
        bool new_token = false;     // log in again, then ask the same endpoint again
        bool bad_endpoint = false;  // another endpoint may do better
        bool not_executed = false;  // nothing of the call can have reached etcd
        error failure;
    };

    http::request make_request(const char* path, const std::string& text) const {
        http::request what;
        what.method = "POST";
        what.target = path;
        what.body = text;
        what.fields.push_back({"Content-Type", "application/json"});
        // Without this a member that lost its cluster answers late, and a watch on it stays silent.
        what.fields.push_back({"Grpc-Metadata-Hasleader", "true"});
        if (!token_.empty()) what.fields.push_back({"Authorization", token_});
        return what;
    }

    asio::awaitable<http::result<http::response>> send(http::endpoint to, http::request what,
                                                       clock::time_point deadline) {
        return http_.send(std::move(to), std::move(what), deadline);
    }

    attempt judge(const char* name, const http::endpoint& to, const std::optional<error>& refused,
                  const http::result<http::response>& answer) {
        attempt tried;
        if (refused) {
            tried.failure = *refused;
            tried.bad_endpoint = refused->why != error::cause::auth;
            tried.not_executed = true;
            return tried;
        }
        const std::string at = "etcd " + std::string{name} + " at ";
        if (!answer) {
            const http::error& broken = answer.error();
            tried.failure = {cause_of_http(broken), at + broken.text};
            tried.bad_endpoint = broken.why != http::error::cause::too_large;
            tried.not_executed = broken.before_sending();
            // Some versions answer a bad token by closing the connection.
            tried.new_token = broken.why == http::error::cause::closed && !token_.empty();
            return tried;
        }
        tried.good = answer->status == 200;
        if (tried.good) return tried;
        error read = read_error(answer->status, answer->body);
        tried.new_token = !options_.user.empty() && token_refused(read);
        tried.bad_endpoint =
            read.why == error::cause::no_leader || read.why == error::cause::protocol;
        tried.failure = {read.why, at + to.authority() + ": " + read.text};
        return tried;
    }

    /// Gets a token if there is none and one is wanted. An error only if that has failed.
    asio::awaitable<std::optional<error>> log_in(http::endpoint to, clock::time_point deadline) {
        if (options_.user.empty() || !token_.empty()) co_return std::nullopt;
        if (clock::now() < without_token_until_) co_return std::nullopt;
        const auto password = os::read_secret_file(options_.password_file);
        if (!password.error.empty())
            co_return error{error::cause::auth,
                            "etcd log-in: cannot read the password file " + password.error};
        json::object body;
        body["name"] = options_.user;
        body["password"] = password.value.text();
        std::string text = json::serialize(body);
        auto what = make_request("/v3/auth/authenticate", text);
        auto answer = co_await send(to, std::move(what), deadline);
        OPENSSL_cleanse(text.data(), text.size());

        attempt tried = judge("log-in", to, std::nullopt, answer);
        if (!tried.good) {
            // A user is configured, but etcd does not ask for one (yet).
            if (tried.failure.text.find("authentication is not enabled") != std::string::npos) {
                without_token_until_ = clock::now() + std::chrono::seconds{60};
                co_return std::nullopt;
            }
            co_return tried.failure;
        }
        auto parsed = co_await parse("log-in", to, std::move(answer->body));
        if (!parsed) co_return parsed.error();
        const auto* token = parsed->get_object().if_contains("token");
        if (token == nullptr || !token->is_string())
            co_return error{error::cause::protocol, "etcd log-in at " + to.authority() +
                                                        ": there is no token in the answer"};
        token_ = token->get_string();
        co_return std::nullopt;
    }

    asio::awaitable<result<json::value>> parse(const char* name, http::endpoint to,
                                               std::string text) {
        auto parsed = co_await parse_in_slices(std::move(text));
        if (!parsed)
            co_return error{parsed.error().why, "etcd " + std::string{name} + " at " +
                                                    to.authority() + ": " + parsed.error().text};
        co_return parsed;
    }

    asio::awaitable<std::string> read_body(http::stream& from, clock::time_point deadline) {
        std::string whole;
        std::vector<char> piece(4096);
        while (whole.size() < error_body_limit) {
            auto size = co_await from.read_some(piece, deadline);
            if (!size || *size == 0) break;
            whole.append(piece.data(), *size);
        }
        co_return whole;
    }

    client_options options_;
    http::client http_;
    endpoint_list endpoints_;
    std::string token_;
    clock::time_point without_token_until_{};  // authentication is off in etcd: asked again then
};

namespace {

/// Reads an answer; what etcd would never say becomes an error.
template <class Read>
auto read_as(const char* name, const result<json::value>& answer, Read read)
    -> result<decltype(read(std::declval<const json::object&>()))> {
    if (!answer) return answer.error();
    try {
        return read(answer->get_object());
    } catch (const bad_answer& wrong) {
        return error{error::cause::protocol, "etcd " + std::string{name} + ": " + wrong.what()};
    }
}

}  // namespace

client::client(asio::any_io_executor executor, dns::resolver& names, client_options options)
    : calls_{std::make_unique<calls>(std::move(executor), names, std::move(options))} {}

client::~client() = default;

asio::awaitable<result<range_result>> client::range(key_range keys, range_options options) {
    const bool whole = keys.prefix && options.limit == 0 && !options.count_only;
    std::size_t page = calls_->options().page_keys;
    std::size_t bytes = 0;
    range_result collected;
    json::object body = range_body(keys, options);
    for (bool first = true;;) {
        if (whole) body["limit"] = std::to_string(page);
        auto answer = co_await calls_->call("range", "/v3/kv/range", body, true);
        if (!answer && answer.error().why == error::cause::too_large && whole && page > 1) {
            page /= 2;
            continue;
        }
        auto one = read_as("range", answer, read_range);
        if (!one) co_return one.error();
        if (first) {
            collected.header = one->header;
            collected.count = one->count;
            // Later pages must show the same moment.
            if (options.revision == 0) body["revision"] = std::to_string(one->header.revision);
            first = false;
        }
        for (auto& entry : one->keys) {
            bytes += entry.key.size() + entry.value.size();
            collected.keys.push_back(std::move(entry));
        }
        if (bytes > calls_->options().range_limit)
            co_return error{error::cause::too_large,
                            "etcd range: the keys hold more than " +
                                std::to_string(calls_->options().range_limit) + " bytes"};
        collected.more = one->more && !whole;
        if (!whole || !one->more || one->keys.empty()) co_return collected;
        key_range rest;
        rest.key = collected.keys.back().key + '\0';
        body["key"] = range_body(rest, {}).at("key");
    }
}

asio::awaitable<result<header>> client::put(std::string key, std::string value,
                                            std::int64_t lease) {
    json::object body = put_body(key, value, lease);
    auto answer = co_await calls_->call("put", "/v3/kv/put", std::move(body), false);
    co_return read_as("put", answer, read_header);
}

asio::awaitable<result<txn_result>> client::txn(txn_request request) {
    bool only_reads = true;
    for (const auto* side : {&request.then, &request.otherwise})
        for (const auto& one : *side)
            only_reads = only_reads && one.what == operation::kind::get;
    json::object body = txn_body(request);
    auto answer = co_await calls_->call("txn", "/v3/kv/txn", std::move(body), only_reads);
    co_return read_as("txn", answer, read_txn);
}

asio::awaitable<result<lease_result>> client::grant(std::chrono::seconds ttl) {
    json::object body;
    body["TTL"] = std::to_string(ttl.count());
    auto answer = co_await calls_->call("lease grant", "/v3/lease/grant", std::move(body), false);
    auto granted = read_as("lease grant", answer, read_lease);
    if (granted && granted->id == 0)
        co_return error{error::cause::protocol,
                        "etcd lease grant: there is no lease in the answer"};
    co_return granted;
}

asio::awaitable<result<lease_result>> client::keep_alive(std::int64_t lease) {
    json::object body;
    body["ID"] = std::to_string(lease);
    auto answer =
        co_await calls_->call("lease keepalive", "/v3/lease/keepalive", std::move(body), true);
    // A stream of one message, so the answer is in an envelope.
    const auto read = [](const json::object& envelope) {
        const auto* inner = envelope.if_contains("result");
        if (inner == nullptr || !inner->is_object()) throw bad_answer{"there is no result"};
        return read_lease(inner->get_object());
    };
    auto kept = read_as("lease keepalive", answer, read);
    if (kept && kept->ttl.count() == 0)
        co_return error{error::cause::not_found,
                        "etcd lease keepalive: the lease " + std::to_string(lease) + " is gone"};
    co_return kept;
}

asio::awaitable<result<header>> client::revoke(std::int64_t lease) {
    json::object body;
    body["ID"] = std::to_string(lease);
    auto answer = co_await calls_->call("lease revoke", "/v3/lease/revoke", std::move(body), true);
    co_return read_as("lease revoke", answer, read_header);
}

asio::awaitable<result<std::unique_ptr<watch_stream>>> client::watch(
    std::vector<watch_request> watches) {
    return calls_->watch(std::move(watches));
}

void client::avoid(std::string_view address) {
    calls_->avoid(address);
}
void client::forget_token() {
    calls_->forget_token();
}
const client_options& client::options() const {
    return calls_->options();
}

}  // namespace logagent::etcd

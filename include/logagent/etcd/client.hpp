#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "logagent/dns/resolver.hpp"
#include "logagent/etcd/types.hpp"
#include "logagent/http/client.hpp"

namespace logagent::etcd {

struct client_options {
    std::vector<http::endpoint> endpoints;    // at least one; asked in a shuffled order
    std::chrono::milliseconds timeout{5000};  // of every call (etcd_timeout), fail-over included
    std::string user;                         // empty = no authentication
    std::string password_file;                // its first line; read at each log-in
    http::tls_options tls;
    std::size_t answer_limit = 8 << 20;  // bytes of one answer or one watch message, as JSON
    std::size_t range_limit = 64 << 20;  // bytes of keys and values that one range may collect
    std::size_t page_keys = 256;  // keys asked for at a time; halved when an answer is too large
    std::chrono::milliseconds bad_endpoint{30'000};  // how long a failed endpoint is asked last
    std::uint64_t seed = 0;                          // of the shuffle
};

/// Keys as they were at header.revision.
struct range_result {
    etcd::header header;
    std::vector<key_value> keys;
    std::int64_t count = 0;  // of all keys in the range, also when `keys` was limited
    bool more = false;       // a limit left keys out
};

struct range_options {
    std::int64_t revision = 0;  // 0 = now
    std::size_t limit = 0;      // keys; 0 = all, read page by page at one revision
    bool keys_only = false;
    bool count_only = false;
    bool newest_first = false;  // by mod_revision; only together with a limit
    bool descending = false;    // by key; only together with a limit
};

// It is a default argument of coroutines, and g++ 12 frees such a temporary twice if it owns
// memory.
static_assert(std::is_trivially_destructible_v<range_options>);

/// A condition of a transaction. `number` is for all but `value`.
struct compare {
    enum class target { version, create_revision, mod_revision, lease, value };
    enum class relation { equal, not_equal, greater, less };

    std::string key;
    target what = target::version;
    relation is = relation::equal;
    std::int64_t number = 0;
    std::string value;
};

/// An operation of a transaction.
struct operation {
    enum class kind { put, get, remove };

    kind what = kind::get;
    key_range keys;          // put: the key, prefix = false
    std::string value;       // put
    std::int64_t lease = 0;  // put
    range_options options;   // get; revision and limit hold, nothing is read page by page
};

/// At most 128 operations, each key written once, 1.5 MiB in all: limits of etcd.
struct txn_request {
    std::vector<compare> conditions;
    std::vector<operation> then;
    std::vector<operation> otherwise;
};

struct txn_result {
    etcd::header header;
    bool succeeded = false;             // all conditions held
    std::vector<range_result> answers;  // one for each operation that ran; empty for put and remove
};

struct lease_result {
    etcd::header header;
    std::int64_t id = 0;
    std::chrono::seconds ttl{0};
};

/// A watch connection whose messages are read one by one.
class watch_stream {
public:
    virtual ~watch_stream() = default;  // closes the connection

    /// Where it leads, for messages.
    virtual const std::string& address() const = 0;

    /// The next message without its envelope {"result": ...}; an error object of etcd comes as an
    /// error, as does one that is longer than the limit. After an error only close() makes sense.
    /// Long messages are read and parsed in slices of 64 KiB, between which the loop runs other
    /// work.
    virtual boost::asio::awaitable<result<boost::json::value>> next(
        http::client::clock::time_point deadline) = 0;

    /// Ends a next() that another coroutine waits in.
    virtual void close() = 0;
};

/// etcd's version 3 API through its JSON gateway. Each call asks one endpoint; an endpoint that
/// does not answer is asked last for a while, and where nothing can have reached it, or where
/// asking twice does no harm, the call goes to the next one before its deadline. Must outlive its
/// calls.
class client {
public:
    using clock = std::chrono::steady_clock;

    client(boost::asio::any_io_executor executor, dns::resolver& names, client_options options);
    ~client();

    /// Linearizable. Read page by page at one revision; too_large beyond range_limit.
    boost::asio::awaitable<result<range_result>> range(key_range keys, range_options options = {});

    boost::asio::awaitable<result<header>> put(std::string key, std::string value,
                                               std::int64_t lease = 0);

    boost::asio::awaitable<result<txn_result>> txn(txn_request request);

    boost::asio::awaitable<result<lease_result>> grant(std::chrono::seconds ttl);

    /// not_found when the lease is gone.
    boost::asio::awaitable<result<lease_result>> keep_alive(std::int64_t lease);

    boost::asio::awaitable<result<header>> revoke(std::int64_t lease);

    struct watch_request {
        key_range keys;
        std::int64_t start_revision = 0;
        std::int64_t id = 0;  // comes back in each message of this watch
    };

    /// Opens one connection with all these watches, fragments and progress messages asked for.
    /// Returns when the head of the answer is there: the messages that say `created` are still to
    /// come.
    boost::asio::awaitable<result<std::unique_ptr<watch_stream>>> watch(
        std::vector<watch_request> watches);

    /// Asks the endpoint at this address last for a while: a watch on it failed.
    void avoid(std::string_view address);

    /// Forgets the token, so that the next call logs in again.
    void forget_token();

    const client_options& options() const;

private:
    class calls;
    std::unique_ptr<calls> calls_;
};

}  // namespace logagent::etcd

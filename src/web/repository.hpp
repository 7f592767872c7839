#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exchange.hpp"
#include "key_names.hpp"
#include "logagent/etcd/client.hpp"

namespace logagent::web {

/// A JSON object out of etcd.
struct document {
    std::int64_t mod_revision = 0;  // 0 = there is none
    boost::json::object value;
};

/// What one transaction does: all of it, or nothing.
struct change {
    std::vector<etcd::compare> conditions;
    std::vector<etcd::operation> operations;
    boost::json::object audit;  // more members of its record
    std::string answer;         // body that an Idempotency-Key brings back; with its status
    unsigned answer_status = 200;
};

/// The mod_revision of the key is `number`; 0 = there is no such key.
etcd::compare unchanged(std::string key, std::int64_t number);
etcd::operation put(std::string key, std::string value, std::int64_t lease = 0);
etcd::operation remove(std::string key);

/// What the API keeps in etcd. Every function throws `refused` with status 503 when etcd does not
/// answer, and 500 when what it holds cannot be read.
class repository {
public:
    repository(etcd::client& etcd, key_names keys) : etcd_{etcd}, keys_{std::move(keys)} {}

    boost::asio::awaitable<document> get(std::string key);
    boost::asio::awaitable<etcd::range_result> range(etcd::key_range keys,
                                                     etcd::range_options options = {});

    /// Carries the change out together with its audit record, and returns the revision; nullopt if
    /// a condition did not hold.
    boost::asio::awaitable<std::optional<std::int64_t>> commit(exchange& one, change what);

    /// The record of a change that was refused. Failures are only logged.
    boost::asio::awaitable<void> audit_refusal(exchange& one, unsigned status, std::string reason);

    boost::asio::awaitable<std::int64_t> grant(std::chrono::seconds ttl);

    etcd::client& etcd() { return etcd_; }

private:
    boost::json::object audit_record(const exchange& one) const;

    etcd::client& etcd_;
    key_names keys_;
};

}  // namespace logagent::web

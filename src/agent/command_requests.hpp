#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "command_book.hpp"
#include "logagent/etcd/client.hpp"

namespace logagent::agent {

/// How long an answer stands.
inline constexpr std::chrono::seconds result_ttl = std::chrono::hours{24};

/// The keys of commands and answers, and what is asked of etcd about them.
class command_requests {
public:
    /// `prefix` is that of all keys: "/logagent/".
    explicit command_requests(std::string prefix) : prefix_{std::move(prefix)} {}

    /// With an empty id: what the keys of all commands of the host begin with.
    std::string command_key(const command_book::key& which) const;
    std::string result_key(const command_book::key& which) const;
    /// The id in a key of that host.
    std::string id_in(const std::string& host, const std::string& whole) const;

    /// Holds the command under our lease and writes the answer, if the command is what was read.
    etcd::txn_request accept(const command_entry& entry, std::string result,
                             std::int64_t lease) const;
    /// Holds both under a new lease, if the command is still there.
    etcd::txn_request renew(const command_entry& entry, std::string result,
                            std::int64_t lease) const;
    /// Writes the last answer and takes the command away.
    etcd::txn_request answer(const command_entry& entry, std::string result,
                             std::int64_t lease) const;

private:
    etcd::txn_request hold(const command_entry& entry, std::string result,
                           std::int64_t lease) const;

    std::string prefix_;
};

/// Whether an answer says that its command needs no work any more.
bool is_final_result(std::string_view value);

/// Etcd will never take this: trying again would end in the same way.
bool is_refused(const etcd::error& failure);

}  // namespace logagent::agent

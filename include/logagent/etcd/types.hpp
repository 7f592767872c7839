#pragma once

// The words of etcd's key space, API version 3.

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace logagent::etcd {

struct header {
    std::uint64_t cluster_id = 0;
    std::int64_t revision = 0;
};

struct key_value {
    std::string key;
    std::string value;
    std::int64_t create_revision = 0;
    std::int64_t mod_revision = 0;
    std::int64_t version = 0;  // 1 after creation; 0 = there is no such key
    std::int64_t lease = 0;    // 0 = none
};

/// One key, or every key that begins with it. Reading a prefix may be narrowed to what lies between
/// two of its keys, both left out; a watch or a removal may not.
struct key_range {
    std::string key;
    bool prefix = false;
    std::string after = {};   // "" = from the first one on
    std::string before = {};  // "" = to the last one
    bool operator==(const key_range&) const = default;
};

struct error {
    enum class cause {
        unreachable,  // no endpoint answered: name, connection, TLS, deadline, closed
        auth,       // user, password, token, permission, or a certificate that the gateway refuses
        compacted,  // the revision asked for is compacted away
        no_leader,  // the cluster has no leader or no quorum, or timed out inside
        too_large,  // the request for etcd, or the answer for us
        not_found,  // an unknown lease
        invalid,    // etcd refused the request as it is: a mistake of the caller
        protocol,   // the answer is not what etcd's gateway says
    };

    cause why = cause::unreachable;
    std::string text;  // one line: what was tried, at which endpoint, why it failed
};

template <class Value>
using result = boost::system::result<Value, error>;

[[noreturn]] inline void throw_exception_from_error(const error& failure,
                                                    const boost::source_location&) {
    throw std::runtime_error{failure.text};
}

}  // namespace logagent::etcd

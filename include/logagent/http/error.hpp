#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace logagent::http {

/// Why a request got no answer. An answer with a bad status is not an error here.
struct error {
    enum class cause {
        name,       // the host name has no address
        connect,    // nobody answers at any address of the host
        tls,        // handshake, certificate or key file
        timeout,    // no answer before the deadline
        closed,     // the peer closed before the head of the answer was complete
        broken,     // the peer closed in the middle of the body
        protocol,   // what came is not HTTP
        too_large,  // the body is longer than the limit
    };

    cause why = cause::connect;
    std::string text;  // one line: what was tried, at which address, why it failed

    /// Nothing of the request can have reached the peer, so that another one may be asked.
    bool before_sending() const {
        return why == cause::name || why == cause::connect || why == cause::tls;
    }
};

template <class Value>
using result = boost::system::result<Value, error>;

[[noreturn]] inline void throw_exception_from_error(const error& failure,
                                                    const boost::source_location&) {
    throw std::runtime_error{failure.text};
}

}  // namespace logagent::http

#pragma once

#include <cstdint>
#include <string>

#include "logagent/http/server.hpp"

namespace logagent::web {

/// What to tell about a certificate that has expired, is not valid yet or expires within 14 days,
/// in one sentence; empty = nothing. Pure.
std::string certificate_warning(const http::certificate_view& shown, std::int64_t now_ms);

/// Keeps the certificate of the server as its files are, and tells the log in time what is wrong
/// with it.
class certificate_watch {
public:
    /// `file` is what messages name. `server` has its certificate already and outlives this.
    certificate_watch(http::server& server, std::string file)
        : server_{server}, file_{std::move(file)} {}

    /// Tells what the server begins with.
    void begin(std::int64_t now_ms);

    /// Reads the files again if they were replaced, or `at_once`. Once a second.
    void look(std::int64_t now_ms, bool at_once);

    /// Negative: it has expired.
    std::int64_t remaining_s(std::int64_t now_ms) const;
    /// The files cannot be used; what was read before still is.
    bool refused() const { return refused_; }

private:
    void warn(std::int64_t now_ms);

    http::server& server_;
    std::string file_;
    std::int64_t warned_ms_ = 0;
    bool refused_ = false;
};

}  // namespace logagent::web

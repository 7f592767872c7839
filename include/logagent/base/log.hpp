#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"

namespace logagent::base {

// The program's own log, for the one thread of the loop. One record is one line:
//
//     2026-11-23T18:40:01.123Z INFO  tail.opened: /var/log/nginx/access.log from 0
//
// Whatever the text holds is escaped (base::visible). Each record belongs to a class, a literal
// such as "tail.opened"; a class writes at most ten records a minute and then one line that says
// how many were left out, so the log never grows with the data. Secrets never go here.

enum class log_level : std::uint8_t { trace, debug, info, warn, error };

/// "trace", "debug", "info", "warn", "error".
std::string_view name(log_level level) noexcept;
std::optional<log_level> parse_log_level(std::string_view text) noexcept;

/// A class of records; only a literal can be one.
class log_class {
public:
    consteval log_class(const char* literal) : text_{literal} {}
    std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
};

struct log_settings {
    std::string path = "-";  // "-" is standard error
    log_level level = log_level::info;
    std::uint64_t rotate_bytes = 16 * 1024 * 1024;
    std::uint32_t keep = 4;  // rotated files: PATH.1 is the newest
};

/// Opens the log, or opens it anew with other settings. Until then records go to standard error.
/// On failure the log stays as it was and the problem ("log") names the path.
result<void> open_log(const log_settings& settings);

/// Closes the file and forgets suppressed counts after writing them; records go to standard error.
void close_log();

void set_log_level(log_level level) noexcept;

/// Writes the "N more like this" lines whose minute is over. The loop calls it every few seconds; a
/// record of the same class does the same.
void sweep_log();

/// For tests: the clock of the limiter, by default the steady clock. nullptr restores it.
void set_log_clock(std::chrono::steady_clock::time_point (*now)());

namespace detail {
extern log_level threshold;

/// Asks the limiter; true must be followed by write_log().
bool admit(log_class what);
void write_log(log_level level, log_class what, std::string_view text);
}  // namespace detail

inline bool log_on(log_level level) noexcept {
    return level >= detail::threshold;
}

}  // namespace logagent::base

/// LOGAGENT_LOG(warn, "tail.open", path << ": " << reason). Costs one comparison when the level is
/// off; the text is built only if the limiter lets the record through.
#define LOGAGENT_LOG(level_, class_, ...)                                                    \
    do {                                                                                     \
        if (::logagent::base::log_on(::logagent::base::log_level::level_) &&                 \
            ::logagent::base::detail::admit(class_)) {                                       \
            std::ostringstream logagent_text_;                                               \
            logagent_text_ << __VA_ARGS__;                                                   \
            ::logagent::base::detail::write_log(::logagent::base::log_level::level_, class_, \
                                                logagent_text_.view());                      \
        }                                                                                    \
    } while (false)

#include "certificate_watch.hpp"

#include "logagent/base/log.hpp"
#include "stamp.hpp"

namespace logagent::web {

namespace {

constexpr std::int64_t day_s = 24 * 3600;
constexpr std::int64_t warn_before_s = 14 * day_s;
constexpr std::int64_t warn_every_ms = day_s * 1000;

std::string day_of(std::int64_t seconds) {
    return utc_time(seconds * 1000).substr(0, 16) + "Z";
}

}  // namespace

std::string certificate_warning(const http::certificate_view& shown, std::int64_t now_ms) {
    const auto now = now_ms / 1000;
    const auto left = shown.ends - now;
    if (now < shown.begins)
        return "is not valid before " + day_of(shown.begins) +
               ": until then every client refuses it; is the clock right?";
    if (left <= 0)
        return "has expired at " + day_of(shown.ends) +
               ": every client refuses it; replace the files, they are read again by themselves";
    if (left > warn_before_s) return {};
    return "expires at " + day_of(shown.ends) + ", in " + std::to_string(left / day_s) +
           " days; replace the files, they are read again by themselves";
}

void certificate_watch::begin(std::int64_t now_ms) {
    const auto shown = server_.certificate();
    LOGAGENT_LOG(info, "web.certificate", file_ << " is valid until " << day_of(shown->ends));
    if (!shown->warning.empty()) LOGAGENT_LOG(warn, "web.key", "tls_key: " << shown->warning);
    warn(now_ms);
}

void certificate_watch::look(std::int64_t now_ms, bool at_once) {
    const auto outcome = server_.reload_tls(at_once);
    if (outcome.tried) {
        refused_ = !outcome.failure.empty();
        if (refused_)
            LOGAGENT_LOG(
                error, "web.certificate",
                "TLS: " << outcome.failure << "; the certificate from before stays in use");
        else
            begin(now_ms);
    }
    if (now_ms - warned_ms_ >= warn_every_ms) warn(now_ms);
}

void certificate_watch::warn(std::int64_t now_ms) {
    warned_ms_ = now_ms;
    const auto text = certificate_warning(*server_.certificate(), now_ms);
    if (!text.empty()) LOGAGENT_LOG(warn, "web.certificate", file_ << " " << text);
}

std::int64_t certificate_watch::remaining_s(std::int64_t now_ms) const {
    return server_.certificate()->ends - now_ms / 1000;
}

}  // namespace logagent::web

#include "web/certificate_watch.hpp"

#include "support/test.hpp"

namespace web = logagent::web;
namespace http = logagent::http;

namespace {

constexpr std::int64_t day = 24 * 3600;
constexpr std::int64_t begins = 1'800'000'000;  // 2027-01-15T08:00Z

std::string warning_at(std::int64_t seconds) {
    http::certificate_view shown;
    shown.begins = begins;
    shown.ends = begins + 90 * day;
    return web::certificate_warning(shown, seconds * 1000);
}

}  // namespace

TEST_CASE("a certificate is complained about in time, and not before", "[web]") {
    CHECK(warning_at(begins).empty());
    CHECK(warning_at(begins + 75 * day).empty());
    CHECK(warning_at(begins + 76 * day) ==
          "expires at 2027-04-15T08:00Z, in 14 days; replace the files, they are read again by "
          "themselves");
    CHECK(warning_at(begins + 90 * day - 1).starts_with("expires at 2027-04-15T08:00Z, in 0 days"));
    CHECK(warning_at(begins + 90 * day) ==
          "has expired at 2027-04-15T08:00Z: every client refuses it; replace the files, they are "
          "read again by themselves");
    CHECK(warning_at(begins - 1) ==
          "is not valid before 2027-01-15T08:00Z: until then every client refuses it; is the clock "
          "right?");
}

#include "web/etcd_findings.hpp"

#include <algorithm>

#include "support/test.hpp"

namespace web = logagent::web;
using web::severity;

namespace {

web::etcd_seen healthy() {
    web::etcd_seen out;
    out.anonymous_writes = false;
    out.own_writes = true;
    out.with_user = true;
    out.revision = 500'000;
    out.kept_revisions = 2000;
    out.quota_bytes = 2'147'483'648;
    out.used_bytes = 100 << 20;
    out.members = 3;
    return out;
}

/// How bad the worst finding is that says this.
severity worst(const web::etcd_seen& seen, const std::string& saying = "") {
    auto out = severity::ok;
    for (const auto& one : web::judge(seen))
        if (one.text.find(saying) != std::string::npos) out = std::max(out, one.how);
    return out;
}

}  // namespace

TEST_CASE("the doctor finds nothing wrong with an etcd that is well kept", "[web]") {
    CHECK(worst(healthy()) == severity::ok);
    CHECK(web::judge(healthy()).size() >= 5);
}

TEST_CASE("the doctor names what is open, full or alone", "[web]") {
    auto seen = healthy();
    SECTION("writes without a password") {
        seen.anonymous_writes = true;
        CHECK(worst(seen, "anybody") == severity::bad);
        seen.anonymous_writes.reset();
        CHECK(worst(seen, "could not be tried") == severity::warn);
    }
    SECTION("no right to write") {
        seen.own_writes = false;
        seen.own_failure = "permission denied";
        CHECK(worst(seen, "permission denied") == severity::bad);
    }
    SECTION("no compaction") {
        seen.kept_revisions = 300'000;
        CHECK(worst(seen, "will fill up") == severity::warn);
        seen.revision = 5000;
        seen.kept_revisions = 4999;
        CHECK(worst(seen, "never been compacted") == severity::warn);
        seen.revision = 500;
        seen.kept_revisions = 499;
        CHECK(worst(seen) == severity::ok);
    }
    SECTION("a quota that is nearly used") {
        seen.used_bytes = 1500ULL << 20;
        CHECK(worst(seen, "73 %") == severity::warn);
        seen.used_bytes = 2000ULL << 20;
        CHECK(worst(seen, "quota") == severity::bad);
        seen.alarms = {"NOSPACE"};
        CHECK(worst(seen, "NOSPACE") == severity::bad);
    }
    SECTION("members") {
        seen.members = 1;
        CHECK(worst(seen, "one member") == severity::warn);
        seen.members = 4;
        CHECK(worst(seen, "odd number") == severity::warn);
        seen.silent = {"10.0.0.1:2379"};
        CHECK(worst(seen, "10.0.0.1:2379") == severity::warn);
    }
    SECTION("a network in between") {
        seen.plain_remote = true;
        CHECK(worst(seen, "in the clear") == severity::warn);
    }
}

TEST_CASE("a metric is read by its whole name", "[web]") {
    constexpr auto text = "# HELP a b\na_total 5\na 2.147483648e+09\nb NaN\n";
    CHECK(web::metric_value(text, "a") == 2'147'483'648u);
    CHECK(web::metric_value(text, "a_total") == 5u);
    CHECK_FALSE(web::metric_value(text, "b"));
    CHECK_FALSE(web::metric_value(text, "c"));
}

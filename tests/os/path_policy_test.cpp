#include "logagent/os/path_policy.hpp"

#include "support/test.hpp"

using logagent::os::path_policy;

namespace {

path_policy defaults() {
    return path_policy{{{"/var/log", "/srv/", "/home/*/logs"},
                        {"/proc", "/etc", "/var/log/private", "**/.ssh", "**/*.pem"}}};
}

}  // namespace

TEST_CASE("a path is judged by where its text leads", "[path_policy]") {
    const auto [path, allowed] = GENERATE(table<const char*, bool>({
        {"/var/log/a.log", true},
        {"/var/log", true},
        {"//var//log///a.log", true},
        {"/var/./log/a/../b.log", true},
        {"/srv/x", true},
        {"/var/logs/a.log", false},
        {"/var/log/../lib/a", false},
        {"/var/log/../../etc/shadow", false},
        {"/../../var/log/a", true},
        {"/etc/shadow", false},
        {"/var/log/private", false},
        {"/var/log/private/a", false},
        {"/var/log/privateer/a", true},
        {"/home/ann/logs/a/b.log", true},
        {"/home/ann/logs", true},
        {"/home/logs/a", false},
        {"/home/ann/sub/logs/a", false},
        {"/home/ann/logs/.ssh/id_rsa", false},
        {"/var/log/app/key.pem", false},
        {"/var/log/app/key.pem/x", false},
        {"var/log/a.log", false},
        {"", false},
        {"/", false},
    }));
    CAPTURE(path);
    CHECK(defaults().check(path, false).allowed == allowed);
}

TEST_CASE("a zero byte cannot hide the rest of a path", "[path_policy]") {
    CHECK_FALSE(defaults().check(std::string_view{"/var/log/a\0/../../etc", 21}, false).allowed);
}

TEST_CASE("what the local user names needs no allow rule but no deny rule yields",
          "[path_policy]") {
    CHECK(defaults().check("/opt/a.log", true).allowed);
    CHECK_FALSE(defaults().check("/etc/shadow", true).allowed);
    CHECK_FALSE(defaults().check("/root/.ssh/id", true).allowed);
}

TEST_CASE("a refusal names the rule", "[path_policy]") {
    CHECK(defaults().check("/etc/shadow", false).reason == "is inside deny_paths /etc");
    CHECK(defaults().check("/opt/x", false).reason == "is outside allow_paths");
}

TEST_CASE("the root as allow rule opens everything that is not denied", "[path_policy]") {
    const path_policy all{{{"/"}, {"/etc"}}};
    CHECK(all.check("/opt/x", false).allowed);
    CHECK_FALSE(all.check("/etc/x", false).allowed);
    const path_policy none{{{}, {}}};
    CHECK_FALSE(none.check("/var/log/x", false).allowed);
}

TEST_CASE("directories on the way to an allowed one are worth a look", "[path_policy]") {
    const auto policy = defaults();
    CHECK(policy.allows_below("/", false));
    CHECK(policy.allows_below("/var", false));
    CHECK(policy.allows_below("/home", false));
    CHECK(policy.allows_below("/home/ann", false));
    CHECK(policy.allows_below("/var/log/deep/er", false));
    CHECK_FALSE(policy.allows_below("/opt", false));
    CHECK_FALSE(policy.allows_below("/home/ann/Mail", false));
    CHECK_FALSE(policy.allows_below("/etc", false));
    CHECK_FALSE(policy.allows_below("/var/log/private", false));
    CHECK(policy.allows_below("/opt", true));
    CHECK_FALSE(policy.allows_below("/etc", true));
}

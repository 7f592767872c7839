#include "logagent/base/glob.hpp"

#include <fnmatch.h>

#include <chrono>
#include <random>

#include "support/test.hpp"

using namespace logagent::base;

TEST_CASE("a star stays within its path component", "[glob]") {
    CHECK(glob_matches("/var/log/*.log", "/var/log/a.log"));
    CHECK(glob_matches("/var/log/*.log", "/var/log/.log"));
    CHECK_FALSE(glob_matches("/var/log/*.log", "/var/log/x/a.log"));
    CHECK(glob_matches("/home/*/logs/a?c", "/home/u/logs/abc"));
    CHECK(glob_matches("*", ".hidden"));
    CHECK(glob_matches("app-*-*.log", "app-a-b-c.log"));
    CHECK_FALSE(glob_matches("app-*x*.log", "app-a-b-c.log"));
    CHECK_FALSE(glob_matches("abc", "abcd"));
    CHECK_FALSE(glob_matches("abcd", "abc"));
}

TEST_CASE("two stars as a component take any number of components", "[glob]") {
    CHECK(glob_matches("/a/**/z.log", "/a/z.log"));
    CHECK(glob_matches("/a/**/z.log", "/a/b/c/z.log"));
    CHECK(glob_matches("/a/**/m/**/z", "/a/x/m/y/m/z"));
    CHECK_FALSE(glob_matches("/a/**/m/**/z", "/a/x/y/z"));
    CHECK(glob_matches("**/.ssh", "/root/.ssh"));
    CHECK(glob_matches("**/*.pem", "/etc/ssl/x.pem"));
    CHECK(glob_matches("/a/**", "/a/b/c"));
    CHECK_FALSE(glob_matches("/a/**", "/a"));
    CHECK(glob_matches("a**c", "abbc"));
    CHECK_FALSE(glob_matches("a**c", "ab/bc"));
}

TEST_CASE("sets hold ranges, can be negated and count characters", "[glob]") {
    CHECK(glob_matches("x.[0-9]", "x.7"));
    CHECK_FALSE(glob_matches("x.[!0-9]", "x.7"));
    CHECK(glob_matches("x.[^0-9]", "x.a"));
    CHECK(glob_matches("[]a]", "]"));
    CHECK(glob_matches("[a-]", "-"));
    CHECK(glob_matches("[*?]", "?"));
    CHECK_FALSE(glob_matches("[*?]", "a"));
    CHECK(glob_matches("[\xC3\xA4-\xC3\xBC]", "\xC3\xB6"));
    CHECK(glob_matches("?", "\xE2\x82\xAC"));
    CHECK(glob_matches("[[]x", "[x"));
}

TEST_CASE("a root covers itself and what lies in it", "[glob]") {
    CHECK(glob_covers("/var/log", "/var/log"));
    CHECK(glob_covers("/var/log", "/var/log/nginx/access.log"));
    CHECK(glob_covers("/var/log/", "/var/log/nginx"));
    CHECK_FALSE(glob_covers("/var/log", "/var/logs/x"));
    CHECK(glob_covers("/home/*/logs", "/home/u/logs/deep/x.log"));
    CHECK_FALSE(glob_covers("/home/*/logs", "/home/u/x.log"));
    CHECK(glob_covers("/", "/anything"));
    CHECK(glob_covers("**/.ssh", "/home/u/.ssh/id_rsa"));
    CHECK_FALSE(glob_covers("**/*.key", "/srv/keys/x.log"));
}

TEST_CASE("a search goes only where a match can lie", "[glob]") {
    CHECK(glob_may_lie_below("/var/log/*/x.log", "/var"));
    CHECK(glob_may_lie_below("/var/log/*/x.log", "/var/log/app"));
    CHECK_FALSE(glob_may_lie_below("/var/log/*/x.log", "/var/log/app/x.log"));
    CHECK_FALSE(glob_may_lie_below("/var/log/*/x.log", "/var/spool"));
    CHECK(glob_may_lie_below("/srv/**/log", "/srv/a/log"));
    CHECK(glob_may_lie_below("/srv/**/log", "/srv/a/b/c"));
    CHECK(glob_may_lie_below("/srv/*", "/"));
    CHECK(glob_directory("/var/log/app-*/x.log") == "/var/log");
    CHECK(glob_directory("/*/x") == "/");
    CHECK(glob_directory("/var/log/x.log") == "/var/log");
    CHECK(glob_literal_prefix("/var/log/app-[0-9]") == "/var/log/app-");
}

TEST_CASE("a pattern that is none is explained", "[glob]") {
    CHECK_FALSE(glob_problem("/var/log/**/app-[a-z0-9]?.log"));
    CHECK(*glob_problem("") == "the pattern is empty");
    CHECK(*glob_problem("/x[") == "a '[' has no ']'");
    CHECK(*glob_problem("/x[]") == "a '[' has no ']'");
    CHECK(*glob_problem("/x[z-a]") == "a range in [z-a] goes backwards");
    CHECK(*glob_problem("/x[a/b]") == "a set cannot hold '/'");
    CHECK(glob_problem(std::string_view{"a\0b", 3}));
    CHECK(glob_problem("\xFF"));
    CHECK(glob_problem(std::string(5000, 'a')));
}

TEST_CASE("within one component the answers are those of fnmatch", "[glob]") {
    std::minstd_rand random{11};
    const auto draw = [&](std::string_view alphabet, std::size_t longest) {
        std::string out;
        for (auto left = random() % (longest + 1); left != 0; --left)
            out.push_back(alphabet[random() % alphabet.size()]);
        return out;
    };
    for (int round = 0; round < 20'000; ++round) {
        const auto pattern = draw("ab*?*", 7);
        const auto text = draw("ab", 8);
        INFO(pattern << " against " << text);
        REQUIRE(glob_matches(pattern, text) == (::fnmatch(pattern.c_str(), text.c_str(), 0) == 0));
    }
}

TEST_CASE("a hostile pattern takes no longer than the product of the lengths", "[glob]") {
    std::string pattern, deep_pattern, path;
    for (int i = 0; i < 500; ++i) {
        pattern += "*a";
        deep_pattern += "**/a/";
        path += "a/";
    }
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(glob_matches(pattern + "b", std::string(4000, 'a')));
    CHECK_FALSE(glob_matches(deep_pattern + "b", path + "c"));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

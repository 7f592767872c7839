#include "logagent/agent/config_state.hpp"

#include <algorithm>

#include "support/test.hpp"

using namespace logagent::agent;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t cluster = 7;

std::string entry(const std::string& path, const std::string& more = "") {
    return R"({"service":"s","log_path":")" + path + R"(","topic":"t")" + more + "}";
}
std::string array(const std::string& entries) {
    return "[" + entries + "]";
}

struct state_fixture {
    config_state state{{"*"}, [](const std::string& address) { return "/l/" + address + "/c"; }};
    config_state::time_point now{1000h};

    state_fixture() { state.addresses({"10.0.0.1", "10.0.0.2"}, now); }

    std::vector<std::string> paths() const {
        std::vector<std::string> out;
        for (const auto& target : state.outcome().targets)
            out.push_back(target.log_path);
        return out;
    }
    bool problem(const std::string& code) const {
        const auto problems = state.outcome().problems;
        return std::ranges::any_of(problems, [&](const auto& one) { return one.first == code; });
    }
    using list = std::vector<std::string>;
};

}  // namespace

TEST_CASE_METHOD(state_fixture, "before any document nothing is known", "[config_state]") {
    CHECK_FALSE(state.outcome().known);
    state.snapshot(cluster, 5, {});
    CHECK_FALSE(state.outcome().known);
    CHECK(state.seen_revision() == 5);
    CHECK(state.cluster_id() == cluster);
}

TEST_CASE_METHOD(state_fixture, "a value that was put names the targets", "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", array(entry("/a")), 4}});
    CHECK(paths() == list{"/a"});
    CHECK(state.outcome().revision == 4);
    const auto hash = state.outcome().hash;
    CHECK(hash.size() == 16);
    state.put({"10.0.0.1", array(entry("/b")), 6});
    CHECK(paths() == list{"/b"});
    CHECK(state.outcome().revision == 6);
    CHECK(state.outcome().hash != hash);
    state.put({"10.0.0.1", " " + array(entry("/a")), 7});
    CHECK(state.outcome().hash == hash);
}

TEST_CASE_METHOD(state_fixture, "a deletion that was seen and [] stop the targets",
                 "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", array(entry("/a")), 4}});
    SECTION("deletion") {
        state.removed("10.0.0.1", 6);
    }
    SECTION("[]") {
        state.put({"10.0.0.1", "[]", 6});
    }
    SECTION("[] in a snapshot") {
        state.snapshot(cluster, 6, {{"10.0.0.1", "[]", 6}});
    }
    CHECK(paths().empty());
    CHECK(state.outcome().known);
    CHECK(state.outcome().revision == 6);
    CHECK(state.outcome().problems.empty());
}

TEST_CASE_METHOD(state_fixture, "absence in a snapshot stops nothing and is a problem",
                 "[config_state]") {
    state.snapshot(cluster, 50, {{"10.0.0.1", array(entry("/a")), 40}});
    const auto before = state.outcome();
    state.snapshot(cluster, 3, {});  // wiped, under the same id
    CHECK(paths() == list{"/a"});
    CHECK(state.outcome().revision == 40);
    CHECK(state.outcome().hash == before.hash);
    REQUIRE(problem("config_vanished"));
    CHECK(state.outcome().problems[0].second.find("/l/10.0.0.1/c") != std::string::npos);

    SECTION("until a new value comes, in the revisions of the new history") {
        state.put({"10.0.0.1", array(entry("/b")), 5});
        CHECK(paths() == list{"/b"});
        CHECK(state.outcome().revision == 5);
        state.snapshot(cluster, 6, {{"10.0.0.1", array(entry("/b")), 5}});
        CHECK_FALSE(problem("config_vanished"));
    }
    SECTION("until a snapshot shows it again") {
        state.snapshot(9, 2, {{"10.0.0.1", array(entry("/a")), 2}});
        CHECK_FALSE(problem("config_vanished"));
        CHECK(state.outcome().revision == 2);
        CHECK(state.outcome().hash == before.hash);
    }
    SECTION("until []") {
        state.put({"10.0.0.1", "[]", 5});
        CHECK(paths().empty());
        CHECK_FALSE(problem("config_vanished"));
    }
    SECTION("until it is forgotten") {
        CHECK(state.forget_vanished());
        CHECK_FALSE(state.forget_vanished());
        CHECK(paths().empty());
        CHECK_FALSE(problem("config_vanished"));
    }
    SECTION("and a second absence changes nothing") {
        state.snapshot(cluster, 4, {});
        CHECK(paths() == list{"/a"});
    }
}

TEST_CASE_METHOD(state_fixture, "an absent key that named nothing is no problem",
                 "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", "[]", 4}, {"10.0.0.2", "[{", 5}});
    CHECK(state.outcome().failed);
    state.snapshot(cluster, 6, {});
    CHECK_FALSE(state.outcome().failed);
    CHECK(state.outcome().problems.empty());
}

TEST_CASE_METHOD(state_fixture, "a broken document changes nothing and is told until it is mended",
                 "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", array(entry("/a")), 4}});
    const auto before = state.outcome();
    const std::string document = GENERATE("", "[{", "{}", "null", "\xff\xfe", "[] []");
    state.put({"10.0.0.1", document, 6});
    const auto broken = state.outcome();
    CHECK(broken.targets == before.targets);
    CHECK(broken.revision == 4);
    CHECK(broken.failed);
    CHECK(broken.failed_revision == 6);
    REQUIRE(broken.errors.size() == 1);
    CHECK(broken.errors[0].key == "/l/10.0.0.1/c");
    CHECK_FALSE(broken.errors[0].code.empty());
    CHECK_FALSE(broken.errors[0].detail.empty());
    CHECK(problem("config_broken"));

    state.put({"10.0.0.1", array(entry("/a")), 7});
    CHECK_FALSE(state.outcome().failed);
    CHECK(state.outcome().failed_revision == 0);
    CHECK(state.outcome().errors.empty());
    CHECK(state.outcome().revision == 7);
}

TEST_CASE_METHOD(state_fixture, "a first document that is broken is a failure with no targets",
                 "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", "[{", 4}});
    CHECK(state.outcome().failed);
    CHECK_FALSE(state.outcome().known);
}

TEST_CASE_METHOD(state_fixture, "a bad entry is refused alone", "[config_state]") {
    state.snapshot(
        cluster, 5,
        {{"10.0.0.1", array(entry("/a") + "," + entry("relative") + "," + entry("/b")), 4}});
    const auto out = state.outcome();
    CHECK(paths() == list{"/a", "/b"});
    CHECK_FALSE(out.failed);
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].pointer == "/1/log_path");
    CHECK(out.errors[0].code == "path");
}

TEST_CASE("a topic outside allow_topics is refused, a dead-letter topic is with its topic",
          "[config_state]") {
    config_state state{{"app-*", "one"}, [](const std::string& address) { return address; }};
    state.snapshot(1, 1,
                   {{"10.0.0.1",
                     R"([{"service":"s","log_path":"/a","topic":"app-1"},
                         {"service":"s","log_path":"/b","topic":"other"},
                         {"service":"s","log_path":"/c","topic":"one.dead"},
                         {"service":"s","log_path":"/d","topic":"other.dead"}])",
                     1}});
    const auto out = state.outcome();
    REQUIRE(out.targets.size() == 2);
    CHECK(out.targets[0].log_path == "/a");
    CHECK(out.targets[1].log_path == "/c");
    REQUIRE(out.errors.size() == 2);
    CHECK(out.errors[0].pointer == "/1/topic");
    CHECK(out.errors[0].code == "topic_not_allowed");
    CHECK(out.errors[1].pointer == "/3/topic");
}

TEST_CASE_METHOD(state_fixture, "of two addresses that differ the first wins, and the file is told",
                 "[config_state]") {
    state.addresses({"10.0.0.9", "10.0.0.10"}, now);
    state.snapshot(cluster, 5,
                   {{"10.0.0.10", array(entry("/a", R"(,"send_rate":10)") + "," + entry("/b")), 3},
                    {"10.0.0.9", array(entry("/a", R"(,"send_rate":9)")), 4}});
    const auto out = state.outcome();
    REQUIRE(out.targets.size() == 2);
    CHECK(out.targets[0].send_rate == 9);
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].code == "conflict");
    CHECK(out.errors[0].key == "/l/10.0.0.10/c");
    CHECK(out.errors[0].detail.find(": /a to t") != std::string::npos);
}

TEST_CASE_METHOD(state_fixture, "a lost address keeps its targets for a day", "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", array(entry("/a")), 4}});
    CHECK(state.addresses({"10.0.0.2"}, now));
    CHECK(problem("address_lost"));
    state.snapshot(cluster, 6, {});
    CHECK(paths() == list{"/a"});
    CHECK_FALSE(problem("config_vanished"));
    CHECK_FALSE(state.addresses({"10.0.0.2"}, now + 24h - 1s));
    CHECK(paths() == list{"/a"});

    SECTION("and not longer") {
        CHECK(state.addresses({"10.0.0.2"}, now + 24h));
        CHECK(paths().empty());
    }
    SECTION("a new day begins when it was there meanwhile") {
        CHECK(state.addresses({"10.0.0.1"}, now + 23h));
        CHECK_FALSE(problem("address_lost"));
        CHECK(state.addresses({"10.0.0.2"}, now + 24h));
        CHECK_FALSE(state.addresses({"10.0.0.2"}, now + 47h));
        CHECK(paths() == list{"/a"});
    }
    SECTION("a restart does not begin a new day") {
        config_state again{{"*"},
                           [](const std::string& address) { return "/l/" + address + "/c"; }};
        const config_state::time_point later{5h};
        REQUIRE(again.load(state.save(now + 23h), later).has_value());
        CHECK_FALSE(again.addresses({"10.0.0.2"}, later + 59min));
        CHECK(again.outcome().targets.size() == 1);
        CHECK(again.addresses({"10.0.0.2"}, later + 60min));
        CHECK(again.outcome().targets.empty());
    }
}

TEST_CASE_METHOD(state_fixture, "a lost address yields what another key names, for good",
                 "[config_state]") {
    state.snapshot(cluster, 5, {{"10.0.0.1", array(entry("/a") + "," + entry("/b")), 4}});
    state.addresses({"10.0.0.2"}, now);
    state.put({"10.0.0.2", array(entry("/a", R"(,"send_rate":3)")), 6});
    auto out = state.outcome();
    REQUIRE(out.targets.size() == 2);
    CHECK(out.errors.empty());
    CHECK(std::ranges::find(out.targets, 3u, &logagent::fleet::log_target::send_rate)->log_path ==
          "/a");
    state.put({"10.0.0.2", "[]", 7});
    CHECK(paths() == list{"/b"});
    state.put({"10.0.0.2", array(entry("/b")), 8});
    CHECK_FALSE(problem("address_lost"));
}

TEST_CASE_METHOD(state_fixture, "the saved copy brings everything back", "[config_state]") {
    state.snapshot(cluster, 9,
                   {{"10.0.0.1", array(entry("/a") + "," + entry("bad")), 4},
                    {"10.0.0.2", array(entry("/b")), 7}});
    state.put({"10.0.0.2", "[{", 11});
    const auto text = state.save(now);
    const auto key = [](const std::string& address) { return "/l/" + address + "/c"; };

    SECTION("targets, errors, revision, cluster; what is broken now is not in it") {
        config_state again{{"*"}, key};
        REQUIRE(again.load(text, now).has_value());
        CHECK(again.outcome().known);
        CHECK(again.outcome().targets == state.outcome().targets);
        CHECK(again.outcome().revision == 7);
        CHECK(again.outcome().errors.size() == 1);
        CHECK_FALSE(again.outcome().failed);
        CHECK(again.cluster_id() == cluster);
        CHECK(again.seen_revision() == 11);
        again.addresses({"10.0.0.1", "10.0.0.2"}, now);
        again.snapshot(cluster, 2, {});
        CHECK(again.outcome().targets == state.outcome().targets);
        CHECK(again.outcome().problems.size() == 2);
    }
    SECTION("a change of any byte is found, and changes nothing") {
        for (std::size_t i = 0; i < text.size() - 1; ++i) {
            auto bad = text;
            bad[i] = static_cast<char>(bad[i] ^ 1);
            config_state again{{"*"}, key};
            CAPTURE(i);
            REQUIRE(again.load(bad, now).has_error());
            CHECK(again.empty());
        }
        for (std::size_t length = 0; length < text.size() - 2; ++length) {
            config_state again{{"*"}, key};
            CHECK(again.load(text.substr(0, length), now).has_error());
        }
    }
    SECTION("a copy of other keys is not used") {
        config_state again{{"*"}, [](const std::string& address) { return "/x/" + address; }};
        const auto read = again.load(text, now);
        REQUIRE(read.has_error());
        CHECK(read.error().code == "foreign");
    }
    SECTION("a newer format is not used") {
        config_state again{{"*"}, key};
        CHECK(again.load(R"({"check":"x","saved":{"format":2}})", now).error().code == "corrupt");
    }
}

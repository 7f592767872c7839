#include "cli/selftest_text.hpp"

#include <sstream>

#include "support/test.hpp"

namespace logagent::cli {

namespace {

selftest::result example() {
    selftest::result out;
    for (std::uint64_t number = 1; number <= selftest::rotation_kinds; ++number) {
        selftest::tally writer;
        writer.written = 1000 * number;
        writer.delivered = writer.written;
        writer.after_kill = 10;
        out.verdict.writers.push_back(writer);
        out.verdict.sum += writer;
        out.rotations[number - 1] = number;
    }
    out.kills = 2;
    out.outages = 1;
    out.slowest_return = std::chrono::milliseconds{1234};
    return out;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("a good verdict of the selftest says so and that nothing is left", "[cli]") {
    const auto text = selftest_verdict(example(), "/data");
    INFO(text);
    CHECK(has(text, "written                 10000    1000          2000          3000    4000\n"));
    CHECK(has(text, "rotations                  10       1             2             3       4\n"));
    CHECK(has(text,
              "The agent was killed 2 times, and lines flowed again after 1.2 s at most; "
              "the broker went away once.\n"));
    CHECK(
        text.ends_with("verdict: good. Of 10000 lines none is lost and none is torn.\n"
                       "Nothing is left in /data.\n"));
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        CHECK(line.size() <= 120);
}

TEST_CASE("a bad verdict of the selftest names what is missing and where everything is", "[cli]") {
    auto done = example();
    done.verdict.sum.lost = 3;
    done.verdict.torn = 1;
    done.verdict.lost.push_back({2, 4, 100, 102, 5000, 5300});
    done.verdict.torn_text.push_back("a record is odd");
    done.kept = "/data/logagent-selftest-x";
    const auto text = selftest_verdict(done, "/data");
    INFO(text);
    CHECK(has(text,
              "  lost: 3 lines of \"copytruncate\", 100 to 102, bytes 5000 to 5300 of file "
              "no. 4\n"));
    CHECK(has(text, "  torn: a record is odd\n"));
    CHECK(
        text.ends_with("verdict: BAD. 3 lines lost, 1 torn.\nEverything is kept in "
                       "/data/logagent-selftest-x: logs, state, agent.log.\n"));
}

TEST_CASE("a selftest that could not be finished has no verdict", "[cli]") {
    auto done = example();
    done.failure = "the agent ended with 2 by itself";
    const auto text = selftest_verdict(done, "/data");
    CHECK(has(text, "failed: the agent ended with 2 by itself\nverdict: none."));
}

TEST_CASE("the rows of the selftest stand below their titles", "[cli]") {
    selftest::options chosen;
    const auto heading = selftest_heading(chosen, "/data/x", "127.0.0.1:1");
    const auto titles = heading.substr(heading.rfind('\n', heading.size() - 2) + 1);
    selftest::progress now;
    now.at = std::chrono::seconds{12};
    now.agent_up = true;
    CHECK(selftest_row(now).size() + 1 == titles.size());
    now.broker_up = false;
    now.agent_up = false;
    CHECK(selftest_row(now).ends_with("  agent dead  broker away"));
    CHECK(has(heading, "the embedded broker goes away"));
    chosen.kafka.brokers = "10.0.0.7:9092";
    CHECK(has(selftest_heading(chosen, "/data/x", "10.0.0.7:9092"), "Kafka: 10.0.0.7:9092."));
}

}  // namespace logagent::cli

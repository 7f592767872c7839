#include "logagent/agent/replay_lines.hpp"

#include "support/test.hpp"

using namespace logagent::agent;

namespace {

using kind = replay_line::kind;

replay_line read(const replay_line& line) {
    const auto text = write_replay_line(line);
    INFO(text);
    CHECK(text.find('\n') == std::string::npos);
    return read_replay_line(text).value();
}

}  // namespace

TEST_CASE("a plan is read as it was written", "[replay_lines]") {
    replay_line line;
    line.state = kind::planned;
    line.topic = "t";
    line.bytes = 5'000'000'000'000'000'000;
    line.lines = 3;
    line.notes = {"a \"note\"\n", "b"};
    line.end = logagent::tail::replay_point{{}, 9};
    line.end->generation.bits[3] = 7;
    const auto back = read(line);
    CHECK(back.state == kind::planned);
    CHECK(back.topic == "t");
    CHECK(back.bytes == line.bytes);
    CHECK(back.lines == 3);
    CHECK(back.notes == line.notes);
    CHECK(back.end == line.end);
    line.end.reset();
    CHECK_FALSE(read(line).end);
}

TEST_CASE("progress and ends are read as they were written", "[replay_lines]") {
    replay_line line;
    line.at = logagent::tail::replay_point{{}, 9};
    line.figures = {10, 2, 1, {0, 4, 1, 2, 2, 1}};
    line.waits_for = "Kafka: down";
    auto back = read(line);
    CHECK(back.state == kind::running);
    CHECK(back.at == line.at);
    CHECK(back.figures == line.figures);
    CHECK(back.waits_for == "Kafka: down");
    line.state = kind::failed;
    line.code = "refused";
    line.text = "no such file";
    back = read(line);
    CHECK(back.state == kind::failed);
    CHECK(back.code == "refused");
    CHECK(back.text == "no such file");
    line.state = kind::done;
    CHECK(read(line).state == kind::done);
    line.state = kind::stopped;
    CHECK(read(line).state == kind::stopped);
}

TEST_CASE("other text is no line of a replay", "[replay_lines]") {
    const auto good = write_replay_line({});
    REQUIRE(read_replay_line(good).has_value());
    for (const auto& text :
         {std::string{}, std::string{"[]"}, std::string{"{}"}, std::string{R"({"state":"x"})"},
          std::string{R"({"state":"running"})"}, std::string{R"({"state":"planned","bytes":-1})"},
          good.substr(0, good.size() - 1), std::string(300'000, ' ') + good}) {
        const auto read = read_replay_line(text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == "replay_line");
    }
}

TEST_CASE("figures add up class by class", "[replay_lines]") {
    replay_figures sum{10, 2, 1, {0, 4, 1}};
    sum += replay_figures{5, 1, 1, {0, 5, 0, 3}};
    CHECK(sum == replay_figures{15, 3, 2, {0, 9, 1, 3}});
}

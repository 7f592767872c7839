#include "cli/replay_flags.hpp"
#include "cli/replay_target.hpp"
#include "cli/replay_text.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

using texts = std::vector<std::string>;

constexpr std::int64_t now_ms = 1'795'475'460'000;

replay_order read(const texts& words) {
    const surroundings here{"/work/dir", "/xdg", "/home/me", "/etc/agent.ini"};
    return read_replay_order(parse_flags(replay_flags(), words).arguments, here, now_ms);
}

texts complaints(const texts& words) {
    try {
        read(words);
    } catch (const usage_error& error) {
        return error.lines();
    }
    return {};
}

texts with(texts words, const texts& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

fleet::log_target target(std::string path, std::string topic, std::string service) {
    fleet::log_target out;
    out.log_path = std::move(path);
    out.topic = std::move(topic);
    out.service = std::move(service);
    out.send_rate = 5;
    return out;
}

replay_order order(const std::string& topic) {
    replay_order out;
    out.request.path = "/log/app.log";
    out.topic = topic;
    out.service = "local";
    out.rate = 9;
    return out;
}

}  // namespace

TEST_CASE("an order that goes on names two places", "[replay]") {
    const texts usual{"--path", "/a", "--offset", "0:", "--topic", "t"};
    const std::string id = "BQAAAAAAAAAAAAAAAAAAAA";
    const auto order =
        read(with(usual, {"--by-command", "--from=" + id + ":5", "--to", id + ":9"}));
    CHECK(order.by_command);
    REQUIRE(order.request.from);
    REQUIRE(order.request.to);
    CHECK(order.request.from->generation.text() == id);
    CHECK(order.request.from->offset == 5);
    CHECK(order.request.to->offset == 9);
    for (const auto& wrong : {"5", "x:5", ":5"})
        CHECK(complaints(with(usual, {"--from", wrong})).size() == 1);
    CHECK(complaints(with(usual, {"--to", id + ":x"})).size() == 1);
}

TEST_CASE("an order to replay is read from its flags", "[replay]") {
    const texts same{"--path", "app.log", "--same-topic"};
    const auto by_offset = read(with(same, {"--offset", "10:20", "--rate", "7", "--dry-run"}));
    CHECK(by_offset.request.path == "/work/dir/app.log");
    CHECK(by_offset.topic.empty());
    CHECK(by_offset.rate == 7);
    CHECK(by_offset.dry_run);
    CHECK(by_offset.config_file == "/etc/agent.ini");
    const auto offsets = std::get<tail::offset_range>(by_offset.request.what);
    CHECK(offsets.begin == 10);
    CHECK(offsets.end == 20);

    const auto open = read(with(same, {"--offset", "10:", "--kafka", "k:1"}));
    CHECK_FALSE(std::get<tail::offset_range>(open.request.what).end);
    CHECK(open.config_file.empty());

    const auto span = std::get<tail::time_span>(
        read(with(same, {"--since", "2h", "--until", "2026-11-23T23:00:00Z"})).request.what);
    CHECK(span.since == now_ms - 7'200'000);
    CHECK(span.until == now_ms - 660'000);

    const auto last = read({"--path", "/a", "--topic", "t2", "--last", "50MB", "--generation",
                            "BQAAAAAAAAAAAAAAAAAAAA"});
    CHECK(std::get<tail::last_bytes>(last.request.what).count == 50u << 20);
    for (const auto& [text, size] :
         std::vector<std::pair<std::string, std::uint64_t>>{{"7", 7},
                                                            {"7b", 7},
                                                            {"2k", 2048},
                                                            {"2KiB", 2048},
                                                            {"3G", 3ull << 30},
                                                            {"1tb", 1ull << 40}}) {
        const auto order = read({"--path", "/a", "--topic", "t", "--last", text});
        CHECK(std::get<tail::last_bytes>(order.request.what).count == size);
    }
    CHECK(last.topic == "t2");
    REQUIRE(last.request.generation);
    CHECK(last.request.generation->bits[0] == 5);
}

TEST_CASE("everything that is wrong with the order is said at once", "[replay]") {
    CHECK(complaints({}).size() == 3);
    const texts good{"--path", "a", "--topic", "t"};
    CHECK(complaints(with(good, {"--last", "1"})).empty());
    for (const auto& wrong : std::vector<texts>{{},
                                                {"--offset", "5"},
                                                {"--offset", "x:9"},
                                                {"--offset", "9:x"},
                                                {"--offset", "9:9"},
                                                {"--since", "yesterday"},
                                                {"--since", "1h", "--until", "2h"},
                                                {"--last", "0"},
                                                {"--last", "many"},
                                                {"--last", "5x"},
                                                {"--last", "5kg"},
                                                {"--last", "99999999999999999999"},
                                                {"--last", "99999999999999T"},
                                                {"--last", "5", "--offset", "1:2"},
                                                {"--last", "5", "--same-topic"},
                                                {"--last", "5", "--topic", "no/topic"},
                                                {"--last", "5", "--generation", "short"},
                                                {"--last", "5", "--rate", "-"}}) {
        const auto lines = complaints(with(good, wrong));
        CAPTURE(wrong, lines);
        CHECK(lines.size() == 1);
    }
    CHECK(complaints({"--path", "", "--topic", "?", "--last", "x", "--rate", "y"}).size() == 4);
}

TEST_CASE("records are as of the target whose path it is", "[replay]") {
    const std::vector<fleet::log_target> targets{target("/log/*.log", "globbed", "wide"),
                                                 target("/log/app.log", "exact", "app"),
                                                 target("/log/other.log", "o", "other")};
    const checkpoint::state nothing;
    const auto other = choose_target(order("elsewhere"), targets, nothing);
    CHECK(other.target.service == "app");
    CHECK(other.target.topic == "elsewhere");
    CHECK(other.target.send_rate == 9);
    CHECK(other.notes.empty());
    CHECK(choose_target(order("globbed"), targets, nothing).target.service == "wide");
    CHECK_THROWS_WITH(choose_target(order(""), targets, nothing),
                      Catch::Matchers::Contains("exact, globbed"));
    CHECK(choose_target(order(""), std::span{targets}.subspan(1), nothing).target.topic == "exact");
}

TEST_CASE("the first line of a record is known by the target's pattern", "[replay]") {
    auto plain = target("/log/app.log", "t", "s");
    CHECK_FALSE(record_beginnings(plain));
    plain.multiline = fleet::multiline_rule{.start = "^[0-9]+ "};
    const auto begins = record_beginnings(plain);
    REQUIRE(begins);
    CHECK(begins("12 first"));
    CHECK_FALSE(begins("\tat 12 "));
}

TEST_CASE("without a target the journal tells the topic", "[replay]") {
    checkpoint::state known;
    checkpoint::generation_record generation;
    generation.path = "/log/app.log";
    known.generations[generation.id] = generation;
    CHECK_THROWS_WITH(choose_target(order(""), {}, known),
                      Catch::Matchers::Contains("give --topic"));
    known.positions[{generation.id, "t"}] = {};
    const auto chosen = choose_target(order(""), {}, known);
    CHECK(chosen.target.topic == "t");
    CHECK(chosen.target.service == "local");
    CHECK(chosen.notes.size() == 1);
}

TEST_CASE("the bar shows how far it is and what it waits for", "[replay]") {
    agent::replay_progress half;
    half.bytes = 50 << 20;
    half.records = 1234;
    const auto bar = replay_bar(half, 100 << 20, 10, "", 79);
    CHECK(bar == "[############............]  50 %  50 MiB of 100 MiB  1234 records  10.0 s left");
    const auto waiting = replay_bar(half, 100 << 20, 10, "Kafka: down", 200);
    CHECK(waiting.ends_with("waits: Kafka: down"));
    CHECK(replay_bar(half, 100 << 20, 10, "", 30).size() <= 30);
}

}  // namespace logagent::cli

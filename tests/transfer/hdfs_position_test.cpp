#include "transfer/hdfs_position.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

hdfs_position publishing() {
    hdfs_position made;
    made.epoch = 12;
    made.hour = 498'902;
    made.intent.emplace();
    made.intent->range = {100, 199};
    made.intent->layout.root = "/logs";
    made.intent->layout.compress = "gzip";
    made.intent->layout.documents.parse = "nginx";
    made.intent->source_id = "q83vEjRWeJCrze8SNFZ4kA";
    return made;
}

TEST_CASE("an intent is read back as it was written, with its whole layout", "[transfer][hdfs]") {
    const auto wrote = publishing();
    const auto read = hdfs_position::read(wrote.metadata());
    REQUIRE(read.has_value());
    CHECK(read->epoch == 12);
    CHECK(read->hour == 498'902);
    REQUIRE(read->intent.has_value());
    CHECK(read->intent->range == offset_range{100, 199});
    CHECK(read->intent->layout.hash() == wrote.intent->layout.hash());
    CHECK(read->intent->layout.compress == "gzip");
    CHECK(read->intent->layout.documents.parse == "nginx");
    CHECK(read->intent->source_id == wrote.intent->source_id);
}

TEST_CASE("after a range only epoch and hour stay", "[transfer][hdfs]") {
    auto between = publishing();
    between.intent.reset();
    CHECK(between.metadata() == R"({"v":1,"epoch":12,"hour":498902})");
    const auto read = hdfs_position::read(between.metadata());
    REQUIRE(read.has_value());
    CHECK_FALSE(read->intent.has_value());
    CHECK(read->epoch == 12);
}

TEST_CASE("metadata of others, or none, is an empty position", "[transfer][hdfs]") {
    for (const auto* text : {"", "hello", "[1]", "{}", R"({"consumer":"x"})", "{\"v\":1"}) {
        const auto read = hdfs_position::read(text);
        REQUIRE(read.has_value());
        CHECK(read->epoch == 0);
        CHECK_FALSE(read->intent.has_value());
    }
}

TEST_CASE("what another version wrote forbids to publish", "[transfer][hdfs]") {
    auto text = publishing().metadata();
    const auto changed = [&](std::string_view from, std::string_view to) {
        auto copy = text;
        const auto at = copy.find(from);
        REQUIRE(at != std::string::npos);
        return copy.replace(at, from.size(), to);
    };
    for (const auto& each : {changed(R"("v":1)", R"("v":2)"), changed("/logs", "/other"),
                             changed("gzip", "brotli"), changed(R"("from":100)", R"("from":"a")"),
                             changed(R"("as":{)", R"("as":{"zone":"x",)")}) {
        const auto read = hdfs_position::read(each);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == "newer");
    }
}

TEST_CASE("a long pattern still fits into Kafka's metadata", "[transfer][hdfs]") {
    auto long_one = publishing();
    long_one.intent->layout.documents.parse = "re2:" + std::string(2000, 'x');
    long_one.intent->layout.root = "/" + std::string(1000, 'r');
    CHECK(long_one.metadata().size() <= 4096);
}

}  // namespace
}  // namespace logagent::transfer

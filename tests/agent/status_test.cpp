#include <unordered_map>

#include "agent/json_writer.hpp"
#include "agent/status_json.hpp"
#include "status_fixture.hpp"
#include "support/test.hpp"

using namespace logagent;
using namespace logagent::test;
namespace json = boost::json;

namespace {

struct surface {
    agent::status_values values = plain_values();
    shown_files files;
    std::map<std::uint64_t, checkpoint::loss_record> losses;
    agent::status_source source{[this] { return values; },
                                files.visitor(), [this]() -> const auto& {return losses;
}
};  // namespace

json::object status(const std::string& query = "") {
    return object_of(get(source, "/status" + query).body);
}
}
;

std::vector<std::string> paths_of(const json::object& status) {
    std::vector<std::string> out;
    for (const auto& file : status.at("files").as_array())
        out.emplace_back(file.at("path").as_string().c_str());
    return out;
}

/// A producer for topic_table, which only wants handles.
struct silent_producer final : kafka::producer {
    void listen(kafka::delivery_listener&) override {}
    kafka::topic_handle topic(std::string_view) override { return 0; }
    kafka::produce_result produce(kafka::topic_handle, std::int32_t, std::span<const kafka::record>,
                                  void*) override {
        return {};
    }
    kafka::error produce_with_headers(kafka::topic_handle, std::int32_t, const kafka::record&,
                                      std::span<const kafka::header>, void*) override {
        return kafka::error::none;
    }
    std::size_t outstanding() const override { return 0; }
};

}  // namespace

TEST_CASE("the ledger tells what was lost, where and why", "[status]") {
    surface host;
    host.losses[3] = {3,        {}, "/l/\xFF",         "t",  checkpoint::byte_class::abandoned,
                      {10, 20}, 10, 1'772'600'769'001, "why"};
    auto newer = host.losses[3];
    newer.kind = static_cast<checkpoint::byte_class>(99);
    host.losses[4] = newer;
    const auto said = object_of(get(host.source, "/ledger").body);
    CHECK(said.at("ledger").at("acked").to_number<int>() == 2);
    const auto& losses = said.at("losses").as_array();
    REQUIRE(losses.size() == 2);
    CHECK(losses.at(0).at("class").as_string() == "abandoned");
    CHECK(losses.at(0).at("at").as_string() == "2026-03-04T05:06:09.001Z");
    CHECK(losses.at(0).at("generation").as_string() == "AAAAAAAAAAAAAAAAAAAAAA");
    CHECK(losses.at(0).at("begin").to_number<int>() == 10);
    CHECK(losses.at(0).at("end").to_number<int>() == 20);
    CHECK(losses.at(0).at("reason").as_string() == "why");
    CHECK(losses.at(1).at("class").as_string() == "unknown");
}

TEST_CASE("the status has the documented shape, to the letter", "[status]") {
    surface host;
    host.values.problems = {{"kafka_down", "no broker", 1'772'600'769'001}};
    host.values.kafka_up = false;
    host.values.hardening = {{"paths", false, "no Landlock"}};
    host.values.blocked = {{"orders", 3, "LEADER_NOT_AVAILABLE"}};
    host.files.files = {{"/var/log/a.log", "orders", "error", "gone"}};
    CHECK(
        get(host.source, "/status").body ==
        R"({"host":"web-1","instance":"0f0f","version":"0.1.0","ips":["10.0.0.5"],)"
        R"("started":"2026-03-04T05:06:07.089Z","state":"degraded",)"
        R"("problems":[{"code":"kafka_down","text":"no broker","since":"2026-03-04T05:06:09.001Z"}],)"
        R"("config":{"source":"etcd","state":"applied","applied":{"revision":12,"hash":"abc",)"
        R"("at":"2026-03-04T05:06:08.000Z"},"failed":null,"errors":[]},)"
        R"("hardening":{"mode":"on","layers":[{"name":"paths","active":false,)"
        R"("detail":"no Landlock"}]},)"
        R"("kafka":{"state":"down","in_flight_bytes":300,"requests_per_s":2.5,)"
        R"("blocked":[{"topic":"orders","partition":3,"reason":"LEADER_NOT_AVAILABLE"}]},)"
        R"("ledger":{"skipped_at_start":1,"acked":2,"blank":3,"filtered":4,"cut":5,)"
        R"("dead_letter":6,"truncated_away":7,"abandoned":8,"vanished":9,"stopped":10,)"
        R"("in_flight":11,"unread":12,"lines":{"read":40,"acked":30}},)"
        R"("files":[{"path":"/var/log/a.log","service":"shop","topic":"orders","state":"error",)"
        R"("generation":"AAAAAAAAAAAAAAAAAAAAAA","inode":7,"size":100,"read_offset":90,)"
        R"("acked_offset":80,"lag_bytes":20,"hole_bytes":5,"lines_per_s":1.5,"bytes_per_s":150,"send_rate":10,)"
        R"("throttled_seconds":0.25,"eta_to_loss_s":null,"last_error":"gone"}]})");
}

TEST_CASE("a refused configuration tells what was refused and what still holds", "[status]") {
    surface host;
    host.values.config.state = "failed";
    host.values.config.failed_revision = 13;
    host.values.config.errors = {{"/logagent/10.0.0.5/logconfig", "/0/topic", "type", "a number"}};
    const auto config = host.status().at("config").as_object();
    CHECK(config.at("applied").at("revision").as_int64() == 12);
    CHECK(config.at("failed").at("revision").as_int64() == 13);
    CHECK(config.at("failed").at("error").at("pointer").as_string() == "/0/topic");
    CHECK(config.at("errors").as_array().size() == 1);
    host.values.config = {};
    host.values.config.state = "waiting";
    CHECK(host.status().at("config").at("applied").is_null());
}

TEST_CASE("following `next` shows each file once, whatever the page size", "[status]") {
    surface host;
    host.files.add(250, {"/var/log/"});
    host.files.files.insert(host.files.files.begin() + 5, 3, host.files.files[4]);  // more topics
    for (const std::size_t limit : {1U, 4U, 99U, 100U, 101U, 252U, 253U, 1000U}) {
        std::vector<std::string> seen;
        std::string after;
        for (int pages = 0; pages < 400; ++pages) {
            const auto page = host.status("?limit=" + std::to_string(limit) + "&after=" + after);
            const auto paths = paths_of(page);
            seen.insert(seen.end(), paths.begin(), paths.end());
            CHECK(paths.size() <= std::max<std::size_t>(limit, 4));
            if (!page.contains("next")) break;
            after = page.at("next").as_string().c_str();
            CHECK(after == paths.back());
        }
        INFO("limit " << limit);
        REQUIRE(seen.size() == host.files.files.size());
        for (std::size_t i = 0; i < seen.size(); ++i)
            CHECK(seen[i] == host.files.files[i].path);
    }
}

TEST_CASE("a page can be empty, and a limit that is no number is refused", "[status]") {
    surface host;
    CHECK(paths_of(host.status()).empty());
    CHECK_FALSE(host.status().contains("next"));
    host.files.add(3, {"/var/log/"});
    CHECK(paths_of(host.status("?limit=0")).empty());
    CHECK(paths_of(host.status("?after=/var/log/000001")).size() == 1);
    CHECK(get(host.source, "/status?limit=-1").status == 400);
    CHECK(get(host.source, "/status?limit=x").status == 400);
}

TEST_CASE("20,000 files are shown in slices of bounded work", "[status]") {
    surface host;
    host.files.add(20'000, {"/var/log/"});
    host.files.most_asked = 0;
    const auto said = get(host.source, "/status?limit=20000");
    CHECK(paths_of(object_of(said.body)).size() == 20'000);
    CHECK(said.slices.size() >= 200);
    CHECK(host.files.most_asked <= 101);
    for (const auto& slice : said.slices)
        CHECK(slice.size() <= 64 << 10);
}

TEST_CASE("hostile names never break the JSON", "[status]") {
    surface host;
    for (const auto& name : hostile_names) {
        host.files.files.push_back({name, name, "error", name});
        host.values.problems.push_back({name, name, 0});
        host.values.config.errors.push_back({name, name, name, name});
        host.values.blocked.push_back({name, 0, name});
    }
    host.values.config.state = hostile_names[1];
    const auto page = host.status();
    REQUIRE(page.at("files").as_array().size() == hostile_names.size());
    CHECK(page.at("files").at(0).at("path").as_string() == hostile_names[0]);
    CHECK(page.at("files").at(1).at("path").as_string() == hostile_names[1]);
    CHECK(page.at("files").at(3).at("path").as_string() == "/d/\xEF\xBF\xBD\xEF\xBF\xBD bad");
}

TEST_CASE("a page never ends at a path that JSON cannot carry", "[status]") {
    surface host;
    host.files.files = {{"/a"}, {"/b\xFE"}, {"/b\xFF"}, {"/c"}, {"/d"}};
    const auto page = host.status("?limit=2");
    CHECK(page.at("files").as_array().size() == 4);
    CHECK(page.at("next").as_string() == "/c");
}

TEST_CASE("numbers that JSON does not know are shown as 0", "[status]") {
    agent::json_writer out;
    out.open('[').value(std::numeric_limits<double>::infinity());
    out.value(std::numeric_limits<double>::quiet_NaN()).value(0.0004).value(1e300);
    out.close(']');
    CHECK(object_of("{\"a\":" + out.take() + "}").at("a") == json::value({0, 0, 0, 1e300}));
}

TEST_CASE("a problem keeps its beginning until it is over", "[status]") {
    agent::problem_log log;
    CHECK(log.update({{"a", "x"}, {"b", "y"}, {"a", "x"}}, 10).size() == 2);
    const auto later = log.update({{"b", "y"}, {"a", "z"}, {"a", "x"}}, 20);
    REQUIRE(later.size() == 3);
    CHECK(later[0].since_ms == 10);
    CHECK(later[1].since_ms == 20);
    CHECK(later[2].since_ms == 10);
    CHECK(log.update({}, 30).empty());
    CHECK(log.update({{"b", "y"}}, 40).at(0).since_ms == 40);
}

TEST_CASE("what is wrong with the surroundings becomes a problem", "[status]") {
    auto config = plain_values().config;
    CHECK(agent::derived_problems(config, "", "").empty());
    config.connection = "etcd refused";
    config.problems = {{"conflict", "c"}};
    config.errors = {{"k", "/0", "type", "bad"}};
    const auto found = agent::derived_problems(config, "no broker", "disk full");
    const auto has = [&](std::string_view code) {
        return std::any_of(found.begin(), found.end(),
                           [&](const auto& one) { return one.first == code; });
    };
    for (const auto* code :
         {"conflict", "config_refused", "config_source", "kafka_down", "journal"})
        CHECK(has(code));
}

TEST_CASE("parked topics and partitions without a leader are blocked", "[status]") {
    silent_producer producer;
    delivery::topic_table topics{producer, producer};
    const delivery::time_point now{};
    topics.get("fresh");
    kafka::topic_description answer;
    answer.topic = "half";
    answer.partitions = {{0, 1, 1, 1}, {1, -1, 1, 0}};
    topics.get("half").described(answer, now);
    topics.get("shut").park(kafka::error::topic_authorization_failed, now);
    const auto blocked = agent::blocked_in(topics);
    REQUIRE(blocked.size() == 2);
    CHECK(blocked[0].topic == "half");
    CHECK(blocked[0].partition == 1);
    CHECK(blocked[1].topic == "shut");
    CHECK(blocked[1].partition == -1);
    CHECK(blocked[1].reason == kafka::name(kafka::error::topic_authorization_failed));
}

TEST_CASE("the program is ready once a configuration is applied", "[status]") {
    surface host;
    CHECK(get(host.source, "/healthz").status == 200);
    CHECK(get(host.source, "/healthz").body == "ok\n");
    CHECK(get(host.source, "/readyz").status == 200);
    host.values.config.state = "waiting";
    host.values.config.connection = "etcd at 10.0.0.9:\nrefused";
    const auto said = get(host.source, "/readyz");
    CHECK(said.status == 503);
    CHECK(said.body == "configuration: waiting; etcd at 10.0.0.9:\\nrefused\n");
    CHECK(get(host.source, "/healthz").status == 200);
}

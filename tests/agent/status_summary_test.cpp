#include "agent/status_json.hpp"
#include "status_fixture.hpp"
#include "support/test.hpp"

using namespace logagent;
using namespace logagent::test;

TEST_CASE("the summary counts files by state and names those that are not tailing", "[status]") {
    shown_files files;
    files.files = {{"/a"}, {"/b", "t", "denied", "not allowed"}, {"/c"}};
    const auto said = object_of(agent::write_summary(plain_values(), files.visitor()));
    CHECK(said.at("host").as_string() == "web-1");
    CHECK(said.at("instance").as_string() == "0f0f");
    CHECK(said.at("state").as_string() == "healthy");
    CHECK(said.at("config").at("state").as_string() == "applied");
    CHECK(said.at("config").at("applied").at("revision").as_int64() == 12);
    CHECK(said.at("files").at("tailing").as_int64() == 2);
    CHECK(said.at("files").at("denied").as_int64() == 1);
    REQUIRE(said.at("not_tailing").as_array().size() == 1);
    CHECK(said.at("not_tailing").at(0).at("path").as_string() == "/b");
    CHECK(said.at("not_tailing").at(0).at("last_error").as_string() == "not allowed");
    CHECK(said.at("omitted").at("not_tailing").as_int64() == 0);
}

TEST_CASE("the summary stays below 16 KiB with 10,000 bad files", "[status]") {
    shown_files files;
    files.add(10'000, {"/var/log/" + std::string(100, 'x'), "t", "error", std::string(300, 'e')});
    auto values = plain_values();
    for (int i = 0; i < 500; ++i) {
        values.problems.push_back({"code" + std::to_string(i), std::string(900, 'p'), i});
        values.config.errors.push_back({"key", "/" + std::to_string(i), "type", "bad"});
    }
    const auto text = agent::write_summary(values, files.visitor());
    CHECK(text.size() <= 16 << 10);
    CHECK(text.size() > 12 << 10);
    const auto said = object_of(text);
    CHECK(said.at("state").as_string() == "degraded");
    CHECK(said.at("files").at("error").as_int64() == 10'000);
    const auto shown = said.at("not_tailing").as_array().size();
    CHECK(shown > 5);
    CHECK(shown <= 50);
    CHECK(said.at("omitted").at("not_tailing").as_int64() ==
          10'000 - static_cast<std::int64_t>(shown));
    CHECK(said.at("omitted").at("problems").as_int64() ==
          500 - static_cast<std::int64_t>(said.at("problems").as_array().size()));
    CHECK_FALSE(said.at("problems").as_array().empty());
    CHECK_FALSE(said.at("errors").as_array().empty());
}

TEST_CASE("short names fill the list of bad files up to 50", "[status]") {
    shown_files files;
    files.add(10'000, {"/f", "t", "waiting"});
    const auto text = agent::write_summary(plain_values(), files.visitor());
    CHECK(object_of(text).at("not_tailing").as_array().size() == 50);
    CHECK(text.size() <= 16 << 10);
}

TEST_CASE("bytes that grow in JSON cannot push the summary over its limit", "[status]") {
    shown_files files;
    const std::string controls(5000, '\x01');
    files.add(200, {"/" + controls, controls, "error", controls});
    auto values = plain_values();
    values.host = values.instance = values.version = controls;
    values.ips.assign(500, controls);
    values.config.state = "failed";
    values.config.source = values.config.hash = controls;
    values.config.errors.assign(50, {controls, controls, controls, controls});
    values.problems.assign(50, {controls, controls, 0});
    const auto text = agent::write_summary(values, files.visitor());
    CHECK(text.size() <= 16 << 10);
    object_of(text);

    for (const auto& name : hostile_names) {
        shown_files odd;
        odd.files = {{name, name, "error", name}};
        object_of(agent::write_summary(plain_values(), odd.visitor()));
    }
}

TEST_CASE("a text is cut between characters", "[status]") {
    shown_files files;
    std::string umlauts;
    for (int i = 0; i < 1000; ++i)
        umlauts += "\xC3\xBC";
    files.files = {{"/" + umlauts, "t", "error"}};
    const auto text = agent::write_summary(plain_values(), files.visitor());
    CHECK(text.find("\xEF\xBF\xBD") == std::string::npos);
    CHECK(text.find("...") != std::string::npos);
}

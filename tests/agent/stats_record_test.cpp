#include "agent/stats_record.hpp"

#include <boost/json/parse.hpp>

#include "support/test.hpp"

using namespace logagent;
using agent::stats_record;

namespace {

tail::file_view file(std::string_view path, double lines_per_s, std::uint64_t lag = 0,
                     std::string_view state = "tailing") {
    tail::file_view out;
    out.path = path;
    out.service = "shop";
    out.topic = "t";
    out.state = state;
    out.size = 1000;
    out.read_offset = 900;
    out.acked_offset = 800;
    out.lag_bytes = lag;
    out.lines_per_s = lines_per_s;
    out.bytes_per_s = lines_per_s * 100;
    out.send_rate = 50;
    out.throttled_seconds = 1.5;
    return out;
}

boost::json::object value_of(stats_record& record) {
    const auto text = record.value("web1", "0f", 1'772'600'767'089, 2000);
    CHECK(text.size() <= stats_record::most_bytes);
    CHECK(text.find('\n') == text.npos);
    return boost::json::parse(text).as_object();
}

}  // namespace

TEST_CASE("a record of figures names the files that do something", "[stats]") {
    stats_record record;
    record.add(file("/a", 0));
    CHECK(record.quiet());
    record.add(file("/b", 12.5, 200));
    CHECK_FALSE(record.quiet());
    const auto said = value_of(record);
    CHECK(said.at("v").as_int64() == 1);
    CHECK(said.at("host").as_string() == "web1");
    CHECK(said.at("at").as_int64() == 1'772'600'767'089);
    CHECK(said.at("interval_ms").as_int64() == 2000);
    const auto& files = said.at("files").as_array();
    REQUIRE(files.size() == 2);
    const auto& first = files[0].as_object();
    CHECK(first.at("path").as_string() == "/b");
    CHECK(first.at("service").as_string() == "shop");
    CHECK(first.at("lag_bytes").as_int64() == 200);
    CHECK(first.at("lines_per_s").as_double() == 12.5);
    CHECK(first.at("send_rate").as_int64() == 50);
    CHECK(said.at("rest").as_array().empty());
}

TEST_CASE("a record of 20,000 files is no larger, and no file is left out of the sums", "[stats]") {
    stats_record record;
    const std::string long_path(900, 'p');
    for (int i = 0; i < 20'000; ++i)
        record.add(file("/" + std::to_string(i) + long_path, i % 7 == 0 ? 1.0 * i : 0.0, 1));
    const auto said = value_of(record);
    const auto& files = said.at("files").as_array();
    CHECK(files.size() > 20);
    CHECK(files[0].at("lines_per_s").to_number<double>() == 19'999 - 19'999 % 7);
    REQUIRE(said.at("rest").as_array().size() == 1);
    CHECK(said.at("rest").at(0).at("files").as_int64() + static_cast<std::int64_t>(files.size()) ==
          20'000);
    CHECK(said.at("rest").at(0).at("lag_bytes").as_int64() +
              static_cast<std::int64_t>(files.size()) ==
          20'000);
}

TEST_CASE("a file that is not well is named among quiet ones", "[stats]") {
    stats_record record;
    for (int i = 0; i < 1000; ++i)
        record.add(file("/" + std::to_string(i), 0));
    record.add(file("/bad", 0, 0, "denied"));
    const auto said = value_of(record);
    bool found = false;
    for (const auto& one : said.at("files").as_array())
        found = found || one.at("path").as_string() == "/bad";
    CHECK(found);
}

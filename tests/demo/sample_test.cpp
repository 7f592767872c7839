#include "demo/sample.hpp"

#include "demo/scenery.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/service.hpp"
#include "support/test.hpp"

using namespace logagent;
using demo::sample_kind;
using demo::sample_source;

namespace {

constexpr std::int64_t moment = 1'796'047'200'123;

}  // namespace

TEST_CASE("the same seed makes the same log", "[demo]") {
    sample_source one{sample_kind::access, 7}, same{sample_kind::access, 7},
        other{sample_kind::access, 8};
    std::string first, second, third;
    for (int i = 0; i < 20; ++i) {
        first += one.next(moment).text;
        second += same.next(moment).text;
        third += other.next(moment).text;
    }
    CHECK(first == second);
    CHECK(first != third);
}

TEST_CASE("every event consists of whole lines, and is counted", "[demo]") {
    for (const auto kind : {sample_kind::access, sample_kind::json, sample_kind::java,
                            sample_kind::rows, sample_kind::messages}) {
        sample_source source{kind, 1};
        for (int i = 0; i < 50; ++i) {
            const auto event = source.next(moment);
            REQUIRE(event.text.ends_with('\n'));
            CHECK(event.lines == static_cast<std::uint64_t>(
                                     std::count(event.text.begin(), event.text.end(), '\n')));
        }
    }
}

TEST_CASE("a Java event is one line or a stack trace", "[demo]") {
    sample_source source{sample_kind::java, 1};
    std::uint64_t single = 0, traces = 0;
    for (int i = 0; i < 50; ++i) {
        const auto event = source.next(moment);
        ++(event.lines > 1 ? traces : single);
        CHECK(event.text.starts_with("2026-1"));
        CHECK((event.text.find("\n\tat ") != std::string::npos) == (event.lines > 1));
    }
    CHECK(traces == 10);
    CHECK(single == 40);
}

TEST_CASE("a JSON line is valid JSON", "[demo]") {
    sample_source source{sample_kind::json, 1};
    for (int i = 0; i < 50; ++i)
        CHECK(base::parse_json(source.next(moment).text).has_value());
}

TEST_CASE("the API takes the demo's services as they are", "[demo]") {
    const auto made = demo::definitions("/tmp/x");
    CHECK(made.size() == demo::logs().size());
    for (auto each : made) {
        each.document.erase("message");
        each.document["name"] = each.name;
        const auto read = fleet::read_service(each.document);
        CHECK(read.errors.empty());
        CHECK(read.value.files.at(0).target.log_path.starts_with("/tmp/x/"));
    }
}

#include "logagent/fleet/merge_patch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "support/test.hpp"

namespace json = boost::json;

TEST_CASE("a merge patch does what the table of RFC 7396 says", "[merge_patch]") {
    struct row {
        const char* original;
        const char* patch;
        const char* result;
    };
    // Appendix A.
    const auto example =
        GENERATE(row{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                 row{R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                 row{R"({"a":"b"})", R"({"a":null})", R"({})"},
                 row{R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                 row{R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                 row{R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                 row{R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
                 row{R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                 row{R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                 row{R"({"a":"b"})", R"(["c"])", R"(["c"])"}, row{R"({"a":"foo"})", "null", "null"},
                 row{R"({"a":"foo"})", R"("bar")", R"("bar")"},
                 row{R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                 row{"[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
                 row{"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"});
    const auto result =
        logagent::fleet::merge_patch(json::parse(example.original), json::parse(example.patch));
    CHECK(json::serialize(result) == example.result);
}

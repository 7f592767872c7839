#include "logagent/fleet/pattern.hpp"

#include <re2/re2.h>

#include "support/test.hpp"

using namespace logagent::fleet;

TEST_CASE("a pattern that cannot be compiled says why", "[pattern]") {
    CHECK(compile_pattern("GET /health").has_value());
    CHECK(compile_pattern("(").error().text.find("missing )") != std::string::npos);
    CHECK(compile_pattern("(?=ahead)").error().code == "pattern");
    CHECK(compile_pattern("").error().code == "pattern");
    CHECK(compile_pattern(std::string(5000, 'a')).error().code == "pattern");
}

TEST_CASE("a pattern that would need too much memory is refused", "[pattern]") {
    CHECK(compile_pattern("((a{100}){100}){100}").error().code == "pattern");
    CHECK(compile_pattern("\\pL{1000}\\pN{1000}").error().code == "pattern");
}

TEST_CASE("a replacement may only name groups that exist", "[pattern]") {
    const auto pattern = compile_pattern("user=(\\w+)").value();
    CHECK(replacement_problem(*pattern, "user=***").empty());
    CHECK(replacement_problem(*pattern, "\\1").empty());
    CHECK_FALSE(replacement_problem(*pattern, "\\2").empty());
    CHECK_FALSE(replacement_problem(*pattern, "\\").empty());
}

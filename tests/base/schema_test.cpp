#include "logagent/base/schema.hpp"

#include "support/test.hpp"

using namespace logagent::base;

namespace {

const schema_row rows[] = {
    {.name = "level",
     .kind = value_kind::choice,
     .default_text = "info",
     .allowed = "debug|info",
     .section = "Log",
     .help = "What is written."},
    {.name = "timeout",
     .kind = value_kind::integer,
     .default_text = "5",
     .least = 1,
     .most = 60,
     .unit = "s",
     .section = "Log",
     .help = "How long to wait for an answer before the next endpoint is asked instead."},
    {.name = "hard", .kind = value_kind::boolean, .section = "Rest", .help = "Yes or no."},
    {.name = "paths",
     .kind = value_kind::list,
     .allowed = "globs",
     .section = "Rest",
     .help = "Roots."},
};

std::string code_of(const schema_row& row, std::string_view text) {
    const auto value = parse_value(row, text);
    return value ? "accepted" : value.error().code;
}

}  // namespace

TEST_CASE("a value is read as its row says", "[schema]") {
    CHECK(std::get<std::string>(*parse_value(rows[0], "debug")) == "debug");
    CHECK(std::get<std::int64_t>(*parse_value(rows[1], "60")) == 60);
    CHECK(std::get<bool>(*parse_value(rows[2], "yes")));
    CHECK_FALSE(std::get<bool>(*parse_value(rows[2], "false")));
    const std::vector<std::string> list{"/a", "/b c"};
    CHECK(std::get<std::vector<std::string>>(*parse_value(rows[3], " /a, ,/b c,")) == list);
}

TEST_CASE("a value outside its row is refused with what is allowed", "[schema]") {
    CHECK(code_of(rows[0], "INFO") == "choice");
    CHECK(parse_value(rows[0], "x").error().text == "allowed: debug, info");
    CHECK(code_of(rows[1], "0") == "range");
    CHECK(code_of(rows[1], "61") == "range");
    CHECK(code_of(rows[1], "99999999999999999999") == "range");
    CHECK(code_of(rows[1], "5s") == "type");
    CHECK(code_of(rows[1], "") == "type");
    CHECK(parse_value(rows[1], "0").error().text == "out of range; allowed: 1 to 60 s");
    CHECK(code_of(rows[2], "maybe") == "type");
}

TEST_CASE("a mistyped name finds the one that was meant", "[schema]") {
    CHECK(nearest_name(rows, "timout") == "timeout");
    CHECK(nearest_name(rows, "lvel") == "level");
    CHECK(nearest_name(rows, "something_else").empty());
}

TEST_CASE("the reference holds every row under its section", "[schema]") {
    CHECK(
        render_markdown(rows) ==
        "### Log\n\n"
        "| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n"
        "| `level` | choice | `info` | debug, info | What is written. |\n"
        "| `timeout` | integer | `5` | 1 to 60 s | How long to wait for an answer before the next "
        "endpoint is asked instead. |\n"
        "\n### Rest\n\n"
        "| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n"
        "| `hard` | boolean | - | true, false | Yes or no. |\n"
        "| `paths` | list | - | globs | Roots. |\n");
}

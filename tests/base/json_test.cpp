#include "logagent/base/json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <random>

#include "support/test.hpp"

using namespace logagent::base;
using namespace std::string_literals;

namespace {

json_error refusal(std::string_view text, json_limits limits = {}) {
    auto parsed = parse_json(text, limits);
    return parsed ? json_error{"", "accepted", "", 0} : parsed.error();
}

json_error refusal_in_slices(std::string_view text, std::size_t slice) {
    json_parser parser;
    while (!text.empty()) {
        const auto piece = text.substr(0, slice);
        if (!parser.feed(piece)) return parser.error();
        text.remove_prefix(piece.size());
    }
    auto parsed = parser.finish();
    return parsed ? json_error{"", "accepted", "", 0} : parsed.error();
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a good document gives the value the library would give", "[json]") {
    const std::string text =
        R"( {"a":[1,-2,3.5,18446744073709551615,true,null,""],"b":{"c":"\u00e4\n","":{}}} )";
    const auto parsed = parse_json(text);
    REQUIRE(parsed);
    CHECK(*parsed == json::parse(text));
    CHECK(*parse_json("42") == json::value(42));
    CHECK(*parse_json("-9223372036854775808") == json::value(INT64_MIN));
}

TEST_CASE("each ambiguity is refused with its place", "[json]") {
    struct sample {
        std::string text, code, pointer;
    };
    const sample samples[] = {
        {R"({"a":1,"b":{"x":1,"x":2}})", "duplicate_key", "/b/x"},
        {R"({"a":1,"\u0061":2})", "duplicate_key", "/a"},
        {R"([0,{"v":1e400}])", "number", "/1/v"},
        {R"([-1e400])", "number", "/0"},
        {R"([18446744073709551616])", "number", "/0"},
        {R"([-9223372036854775809])", "number", "/0"},
        {R"({"a/b":{"~":"x\u0000y"}})", "nul", "/a~1b/~0"},
        {R"({"x\u0000":1})", "nul", "/x\0"s},
        {"[\"a\xFF\"]", "utf8", "/0"},
        {"[\"\\ud800x\"]", "syntax", "/0"},
        {"[NaN]", "syntax", "/0"},
        {"\xEF\xBB\xBF[]", "syntax", ""},
        {"[1,]", "syntax", "/1"},
        {"[1] x", "trailing", ""},
        {"[] []", "trailing", ""},
        {"[\"a", "incomplete", "/0"},
        {"{\"a\":[1,2", "incomplete", "/a/2"},
        {"", "incomplete", ""},
        {"  ", "incomplete", ""},
        {"// c\n[]", "syntax", ""},
        {"[\"a\nb\"]", "syntax", "/0"},
    };
    for (const auto& [text, code, pointer] : samples) {
        INFO(text);
        const auto error = refusal(text);
        CHECK(error.code == code);
        CHECK(error.pointer == pointer);
        for (const std::size_t slice : {1, 2, 3, 7}) {
            INFO("slices of " << slice);
            const auto sliced = refusal_in_slices(text, slice);
            // A character cut by a slice is no longer told apart from other broken syntax.
            CHECK((sliced.code == code || (code == "utf8" && sliced.code == "syntax")));
            CHECK(sliced.pointer == pointer);
        }
    }
}

TEST_CASE("the offset of an error is where the parser stood", "[json]") {
    CHECK(refusal("[1, 2, x]").offset == 7);
    CHECK(refusal("[1] x").offset == 4);
    CHECK(refusal_in_slices("[1, 2, x]", 3).offset == 7);
}

TEST_CASE("integers with a fraction or exponent are numbers, not faults", "[json]") {
    CHECK(refusal("[1.0,1e3,2E-2,12345678901234567890.0]").code == "accepted");
    CHECK(refusal_in_slices("[18446744073709551616.5]", 1).code == "accepted");
    CHECK(refusal_in_slices("[1.5,18446744073709551616]", 1).code == "number");
}

TEST_CASE("nesting and size end at their limits", "[json]") {
    CHECK(refusal(nested(32)).code == "accepted");
    CHECK(refusal(nested(33)).code == "depth");
    CHECK(refusal(nested(100'000)).code == "depth");
    json_limits small;
    small.max_bytes = 8;
    CHECK(refusal("[1,2,3 ]", small).code == "accepted");
    CHECK(refusal("[1,2,3  ]", small).code == "size");
    json_parser parser{small};
    CHECK(parser.feed("[1,2,"));
    CHECK_FALSE(parser.feed("3333]"));
    CHECK(parser.error().code == "size");
    CHECK_FALSE(parser.feed("]"));
    CHECK(parser.finish().error().code == "size");
}

TEST_CASE("objects with many members still find the one that is twice", "[json]") {
    std::string text = "{";
    for (int i = 0; i < 5000; ++i)
        text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    CHECK(refusal(text + "\"last\":0}").code == "accepted");
    CHECK(refusal(text + "\"k3\":0}").pointer == "/k3");
    CHECK(refusal(text + "\"k4999\":0}").pointer == "/k4999");
    // The names of one object mean nothing to the next.
    CHECK(refusal(R"([{"a":1},{"a":1},{"a":{"a":1}}])").code == "accepted");
}

TEST_CASE("faults can be collected so that good parts stay usable", "[json]") {
    json_limits limits;
    limits.collect_faults = true;
    json_parser parser{limits};
    REQUIRE(parser.feed(R"([{"a":1,"a":2},{"b":1},{"c":1e999},{"d":"\u0000"}])"));
    const auto value = parser.finish();
    REQUIRE(value);
    REQUIRE(parser.faults().size() == 3);
    CHECK(parser.faults()[0].pointer == "/0/a");
    CHECK(parser.faults()[1].pointer == "/2/c");
    CHECK(parser.faults()[2].pointer == "/3/d");
    CHECK(value->at(1) == json::parse(R"({"b":1})"));
}

TEST_CASE("a flood of faults ends the parse", "[json]") {
    json_limits limits;
    limits.collect_faults = true;
    std::string text = "[0";
    for (int i = 0; i < 20'000; ++i)
        text += ",1e999";
    CHECK(refusal(text + "]", limits).code == "number");
}

TEST_CASE("slices of any size give the same value", "[json]") {
    std::minstd_rand random{3};
    const std::string text =
        R"({"kvs":[{"key":"L2E=","v":"\ud83d\ude00 ä","n":-12.5e-3},{"m":[[],{},[1,[2]]]}],"x":"\\\"/"})";
    const auto whole = json::parse(text);
    for (int round = 0; round < 300; ++round) {
        json_parser parser;
        for (std::string_view left = text; !left.empty();) {
            const auto piece = left.substr(0, 1 + random() % 9);
            REQUIRE(parser.feed(piece));
            left.remove_prefix(piece.size());
        }
        const auto parsed = parser.finish();
        REQUIRE(parsed);
        CHECK(*parsed == whole);
    }
}

TEST_CASE("random damage is refused or understood, never worse", "[json]") {
    std::minstd_rand random{5};
    const std::string text = R"([{"service":"a","send_rate":10,"l":["x\u0041"]},{"n":1.5e3}])";
    for (int round = 0; round < 20'000; ++round) {
        auto damaged = text;
        for (auto left = 1 + random() % 3; left != 0; --left)
            damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
        const auto strict = parse_json(damaged);
        boost::system::error_code ec;
        const auto library = json::parse(damaged, ec);
        // What we accept the library accepts, and as the same value.
        if (strict) {
            REQUIRE_FALSE(ec);
            REQUIRE(*strict == library);
        }
    }
}

TEST_CASE("an accessor names the field it could not use", "[json]") {
    const auto document = parse_json(
        R"({"header":{"revision":"42","bad":"4x"},"kvs":[{"n":-1,"f":1.5,"big":18446744073709551615}]})");
    const json_field root{*document};
    CHECK(*root.at("header")->at("revision")->wire_integer() == 42);
    CHECK(root.at("header")->at("bad")->wire_integer().error().pointer == "/header/bad");
    CHECK(root.at("nothing").error() ==
          json_error{"/nothing", "missing", "the field is missing", 0});
    CHECK(root.at("kvs")->at("x").error().text == "expected an object, got an array");
    const auto first = root.at("kvs")->at(std::size_t{0});
    CHECK(*first.at("n")->integer() == -1);
    CHECK(first.at("n")->integer(0, 9).error().text == "expected a number from 0 to 9");
    CHECK(first.at("n")->unsigned_integer().error().code == "range");
    CHECK(first.at("f")->integer().error().code == "type");
    CHECK(*first.at("big")->unsigned_integer() == UINT64_MAX);
    CHECK(first.at("big")->integer().error().code == "range");
    CHECK(first.at("n")->text().error().text == "expected text, got a number");
    CHECK_FALSE(root.find("absent"));
    CHECK(describe(first.at("n")->text().error()) == "/kvs/0/n: expected text, got a number");
}

TEST_CASE("a number of a value that was made is read as one that was parsed", "[json]") {
    const auto number = [](const json::value& made) { return json_field{made}.integer(0, 9); };
    CHECK(*number(json::value(std::uint64_t{7})) == 7);
    CHECK(*number(json::value(std::int64_t{7})) == 7);
    CHECK(number(json::value(std::uint64_t{10})).error().code == "range");
    CHECK(number(json::value(UINT64_MAX)).error().code == "range");
}

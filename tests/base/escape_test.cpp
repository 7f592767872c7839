#include "logagent/base/escape.hpp"

#include <utf8.h>
#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>

#include <cstdint>
#include <random>

#include "support/test.hpp"

using namespace logagent::base;
using namespace std::string_literals;

TEST_CASE("controls cannot reach the terminal or break the line", "[escape]") {
    CHECK(visible("plain text \\ 100%") == "plain text \\ 100%");
    CHECK(visible("a\tb\r\nc") == "a\\tb\\r\\nc");
    CHECK(visible("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m");
    CHECK(visible("nul\0del\x7f"s) == "nul\\x00del\\x7f");
    CHECK(visible("\xC2\x9B"
                  "31m") == "\\x9b31m");  // CSI as one C1 character
}

TEST_CASE("characters that reorder or hide text are shown as numbers", "[escape]") {
    CHECK(visible("gpj.\xE2\x80\xAE"
                  "exe") == "gpj.\\u{202e}exe");
    CHECK(visible("\xE2\x81\xA6") == "\\u{2066}");
    CHECK(visible("\xE2\x80\xA8") == "\\u{2028}");
    CHECK(visible("\xF3\xA0\x81\x81") == "\\u{e0041}");
    CHECK(visible("\xEF\xBB\xBF") == "\\u{feff}");
}

TEST_CASE("readable text of any language stays", "[escape]") {
    const std::string text = "Zürich \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80";
    CHECK(visible(text) == text);
}

TEST_CASE("bytes that are not UTF-8 are shown one by one", "[escape]") {
    CHECK(visible("a\xFF"
                  "b\xE2\x82") == "a\\xffb\\xe2\\x82");
    CHECK(visible("\xC0\xAF") == "\\xc0\\xaf");
}

TEST_CASE("long text is cut at a character", "[escape]") {
    CHECK(visible("abcdef", 6) == "abcdef");
    CHECK(visible("abcdefg", 6) == "abcdef...");
    CHECK(visible("ab\x1b\x1b", 3) == "ab\\x1b...");
}

TEST_CASE("repair replaces each maximal broken part by one mark", "[escape]") {
    std::string out;
    CHECK_FALSE(append_repaired(out, "ok \xC3\xA4"));
    CHECK(out == "ok \xC3\xA4");

    // The example of the Unicode standard, table 3-8.
    out.clear();
    CHECK(append_repaired(out,
                          "a\xF1\x80\x80\xE1\x80\xC2"
                          "b\x80"
                          "c\x80\xBF"
                          "d"));
    const std::string mark = "\xEF\xBF\xBD";
    CHECK(out == "a" + mark + mark + mark + "b" + mark + "c" + mark + mark + "d");

    // Surrogates and overlong forms: no byte of them begins a character.
    out.clear();
    CHECK(append_repaired(out, "\xED\xA0\x80"));
    CHECK(out == mark + mark + mark);
}

TEST_CASE("what counts as UTF-8 is what an independent library says", "[escape]") {
    std::minstd_rand random{7};
    const std::string pieces[] = {"a",
                                  "\xC3\xA4",
                                  "\xE2\x82\xAC",
                                  "\xF0\x9F\x98\x80",
                                  "\xED\xA0\x80",
                                  "\x80",
                                  "\xF5",
                                  "\xC3",
                                  "\xE2\x82",
                                  "\xF0\x9F",
                                  "\xEF\xBF\xBE",
                                  "\xF4\x90\x80\x80",
                                  "plain run of text"};
    for (int round = 0; round < 5000; ++round) {
        std::string text;
        for (auto left = random() % 6; left != 0; --left)
            text += pieces[random() % std::size(pieces)];
        INFO(visible(text));
        REQUIRE(is_utf8(text) == utf8::is_valid(text.begin(), text.end()));
        std::string repaired;
        CHECK(append_repaired(repaired, text) == !is_utf8(text));
        REQUIRE(is_utf8(repaired));
    }
}

TEST_CASE("any bytes become a JSON string that a parser reads back", "[escape]") {
    std::string out;
    const std::string text = "quote \" slash \\ tab\t nul\0 esc\x1b \xC3\xA4"s;
    CHECK_FALSE(append_json_string(out, text));
    const auto parsed = boost::json::parse(out);
    CHECK(std::string{parsed.as_string().c_str(), parsed.as_string().size()} == text);

    // Each byte at each place of a word, between plain ones and between quotes.
    for (int byte = 0; byte < 256; ++byte)
        for (std::size_t at = 0; at < 17; ++at)
            for (const char around : {'x', '"'}) {
                std::string odd(17, around);
                odd[at] = static_cast<char>(byte);
                out.clear();
                REQUIRE(append_json_string(out, odd) == (byte >= 0x80));
                const auto read = boost::json::parse(out).as_string();
                if (byte >= 0x80) odd.replace(at, 1, "\xEF\xBF\xBD");
                REQUIRE(std::string_view{read} == odd);
            }

    out.clear();
    CHECK(append_json_string(out, "\xE8\xAE\xA2\xE5\x8D\x95 \xE8\xAE"));
    CHECK(out == "\"\xE8\xAE\xA2\xE5\x8D\x95 \xEF\xBF\xBD\"");
    out.clear();
    CHECK(append_json_string(out, "bad \xFF\" end"));
    CHECK(out == "\"bad \xEF\xBF\xBD\\\" end\"");
}

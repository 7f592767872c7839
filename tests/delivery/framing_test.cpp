#include "logagent/delivery/framing.hpp"

#include <random>

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

using fleet::charset_kind;
using fleet::decode_kind;
using strings = std::vector<std::string>;

struct record {
    std::string value;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool operator==(const record&) const = default;
};

std::ostream& operator<<(std::ostream& out, const record& one) {
    return out << '"' << one.value << "\" " << one.begin << '-' << one.end;
}

/// A file, and how it is to be read.
struct fixture {
    fleet::log_target target;
    std::uint64_t limit = 1'000'000;
    framing cutter;
    std::uint64_t gaps = 0;
    std::uint32_t undecodable = 0;

    void join(std::string start, std::uint32_t most = 500) {
        target.multiline = fleet::multiline_rule{std::move(start), most, 5000};
    }

    /// Cuts what stands at [from, to) of the file; the position moves to the end of what is whole.
    std::uint64_t cut(std::string_view file, std::uint64_t from, std::uint64_t to, closing close,
                      std::vector<record>& into) {
        const line_rules rules{target};
        framing::input given;
        given.rules = &rules;
        given.as = encoding_of(target, file.substr(0, 2)).value_or(encoding::bytes);
        given.text = file.substr(from, to - from);
        given.offset = from;
        given.limit = limit;
        given.close = close;
        cutter.cut(given);
        std::uint64_t counted = from;
        for (const auto& each : cutter.frames()) {
            undecodable += each.undecodable;
            counted += each.end - each.begin - each.foreign;
            if (each.until > 0) CHECK(each.until == counted);
            if (each.gap)
                gaps += each.end - each.begin;
            else
                into.push_back({std::string{cutter.text_of(each)}, each.begin, each.end});
        }
        CHECK(counted == cutter.end());
        return cutter.end();
    }

    /// The records of a file that comes as a whole, after it was seen that they are the same ones
    /// when it comes in two pieces, cut at any byte, and byte by byte.
    std::vector<record> records(std::string_view file) {
        std::vector<record> whole;
        CHECK(cut(file, 0, file.size(), closing::last, whole) == file.size());
        const auto in_gaps = gaps;
        const auto invalid = undecodable;
        for (std::size_t at = 0; at < file.size(); ++at) {
            std::vector<record> pieces;
            gaps = undecodable = 0;
            const auto known = cut(file, 0, at, closing::none, pieces);
            cut(file, known, file.size(), closing::last, pieces);
            INFO("cut at " << at);
            REQUIRE(pieces == whole);
            REQUIRE(gaps == in_gaps);
            REQUIRE(undecodable == invalid);
        }
        std::vector<record> pieces;
        std::uint64_t known = 0;
        for (std::size_t at = 0; at < file.size(); ++at)
            known = cut(file, known, at, closing::none, pieces);
        cut(file, known, file.size(), closing::last, pieces);
        REQUIRE(pieces == whole);
        gaps = in_gaps;
        undecodable = invalid;
        // What was sent is cut again as it was, wherever a run ended.
        cut(file, 0, file.size(), closing::last, pieces);
        const auto frames = std::vector<frame>(cutter.frames().begin(), cutter.frames().end());
        pieces.clear();
        std::uint64_t from = 0;
        for (const auto& each : frames)
            if (each.until > 0) from = cut(file, from, each.until, closing::last, pieces);
        REQUIRE(pieces == whole);
        gaps = in_gaps;
        undecodable = invalid;
        return whole;
    }
    strings values(std::string_view file) {
        strings all;
        for (const auto& each : records(file))
            all.push_back(each.value);
        return all;
    }
    /// What is ready while more may come.
    std::vector<record> ready(std::string_view file, closing close = closing::none) {
        std::vector<record> all;
        cut(file, 0, file.size(), close, all);
        return all;
    }
};

std::string utf16(std::u16string_view text, bool big) {
    std::string out;
    for (const char16_t unit : text) {
        const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
        out += big ? high : low;
        out += big ? low : high;
    }
    return out;
}

const std::string at = "2026-01-02T03:04:05.678901234Z ";

TEST_CASE_METHOD(fixture, "lines up to the next start are one record", "[framing]") {
    join("^\\d");
    CHECK(
        records("1 a\n at x\n at y\n2 b\n3 c\n at z\n") ==
        std::vector<record>{{"1 a\n at x\n at y", 0, 16}, {"2 b", 16, 20}, {"3 c\n at z", 20, 30}});
}

TEST_CASE_METHOD(fixture, "lines before the first start belong together", "[framing]") {
    join("^\\d");
    CHECK(values(" at x\n at y\n1 a\n") == strings{" at x\n at y", "1 a"});
}

TEST_CASE_METHOD(fixture, "a group waits for its next line until it is closed", "[framing]") {
    join("^\\d");
    const std::string file = "1 a\n at x\n2 b\n at y\n at";
    CHECK(ready(file) == std::vector<record>{{"1 a\n at x", 0, 10}});
    CHECK(cutter.waits().group);
    CHECK(ready(file, closing::idle) ==
          std::vector<record>{{"1 a\n at x", 0, 10}, {"2 b\n at y", 10, 20}});
    CHECK_FALSE(cutter.waits().group);
    CHECK(ready(file, closing::last).back() == record{"2 b\n at y\n at", 10, 23});
}

TEST_CASE_METHOD(fixture, "a group has at most so many lines", "[framing]") {
    join("^\\d", 3);
    CHECK(values("1\na\nb\nc\nd\n2\n") == strings{"1\na\nb", "c\nd", "2"});
    CHECK(ready("1\na\nb\n") == std::vector<record>{{"1\na\nb", 0, 6}});
}

TEST_CASE_METHOD(fixture, "a group ends before it grows beyond the limit", "[framing]") {
    join("^\\d");
    limit = 8;
    CHECK(values("1\naaaaaa\nb\n2\n") == strings{"1\naaaaaa", "b", "2"});
    CHECK(values("1\naaaaaaa\nb\n") == strings{"1", "aaaaaaa", "b"});
    CHECK(values("1\naaaaaaaaaaaaaaaa\nb\n") == strings{"1", "aaaaaaaaaaaaaaaa", "b"});
}

TEST_CASE_METHOD(fixture, "the start is looked for in lines without their carriage return",
                 "[framing]") {
    join("^begin$");
    CHECK(values("begin\r\nx\r\nbegin\r\n") == strings{"begin\r\nx\r", "begin\r"});
}

TEST_CASE_METHOD(fixture, "bytes that are no UTF-8 and empty lines stay in a group", "[framing]") {
    join("^\xf0");
    CHECK(values("\xf0\xfe\n\n\xc3\x28\n\xf0\n") == strings{"\xf0\xfe\n\n\xc3\x28", "\xf0"});
}

TEST_CASE_METHOD(fixture, "NULs in front of a line are no text and close a group", "[framing]") {
    join("^\\d");
    const std::string file = std::string(5, '\0') + "1 a\n" + std::string(3, '\0') + "x\n";
    CHECK(records(file) == std::vector<record>{{"1 a", 5, 9}, {"x", 12, 14}});
    CHECK(gaps == 8);
}

TEST_CASE_METHOD(fixture, "NULs at the end may still be written over", "[framing]") {
    join("^\\d");
    const std::string file = "1 a\n" + std::string(7, '\0');
    CHECK(ready(file).empty());
    CHECK(ready(file, closing::idle).size() == 1);
    CHECK(cutter.end() == 4);
    CHECK(records(file).size() == 1);
    CHECK(gaps == 7);
}

TEST_CASE_METHOD(fixture, "the text of CRI lines is taken out", "[framing]") {
    target.decode = decode_kind::cri;
    const std::string file = at + "stdout F hello world\n" + at + "stderr F \n" + at +
                             "stdout F:x  two\r\n" + at + "stdout F\n";
    CHECK(values(file) == strings{"hello world", "", " two\r", ""});
    CHECK(undecodable == 0);
}

TEST_CASE_METHOD(fixture, "the parts of a CRI line are joined", "[framing]") {
    target.decode = decode_kind::cri;
    const std::string file =
        at + "stdout P one \n" + at + "stdout P two \n" + at + "stdout F three\n";
    CHECK(records(file) == std::vector<record>{{"one two three", 0, file.size()}});
    CHECK(ready(file.substr(0, file.size() - 1)).empty());
    CHECK(cutter.waits().joined);
    CHECK(cutter.waits().joined_from == 0);
    CHECK(ready(file.substr(0, file.size() - 1), closing::idle)[0].value == "one two ");
}

TEST_CASE_METHOD(fixture, "the parts of two streams are not mixed up", "[framing]") {
    target.decode = decode_kind::cri;
    const std::string a = at + "stdout P out-\n", b = at + "stderr F err\n",
                      c = at + "stderr P more \n", d = at + "stdout F put\n",
                      e = at + "stderr F errors\n";
    const auto all = records(a + b + c + d + e);
    const auto after_b = a.size() + b.size();
    const auto after_d = after_b + c.size() + d.size();
    CHECK(all == std::vector<record>{{"err", a.size(), after_b},
                                     {"out-put", 0, after_d},
                                     {"more errors", after_b, after_d + e.size()}});
    // Nothing may be settled while a line in front of it is open.
    CHECK(ready(a + b + c + d).empty());
    CHECK(ready(a + b + c + d + e).size() == 3);
    CHECK(cutter.frames()[0].until == 0);
    CHECK(cutter.frames()[1].foreign == b.size() + c.size());
    CHECK(cutter.frames()[2].until == after_d + e.size());
}

TEST_CASE_METHOD(fixture, "lines that are no CRI are passed on and counted", "[framing]") {
    target.decode = decode_kind::cri;
    for (const std::string text :
         {"plain", "", " ", "2026 stdout", "2026 stdlog F x", "2026 stdout X x", "2026 stdout Px y",
          "stdout F x", "2026  stdout F x"}) {
        undecodable = 0;
        INFO(text);
        CHECK(values(text + "\n") == strings{text});
        CHECK(undecodable == 1);
    }
}

TEST_CASE_METHOD(fixture, "the text of docker lines is taken out and joined", "[framing]") {
    target.decode = decode_kind::docker;
    const std::string file = R"({"log":"a \"b\" \u00e4\\\n","stream":"stdout","time":"x"})"
                             "\n"
                             R"({"log":"part ","stream":"stdout","time":"x"})"
                             "\n"
                             R"({"log":"bad\n","stream":"stderr","attrs":{"k":"v"},"time":"x"})"
                             "\n"
                             R"({"stream":"stdout","log":"whole\r\n","time":"x"})"
                             "\n"
                             R"({"log":"\n","stream":"stdout"})"
                             "\n";
    CHECK(values(file) == strings{"a \"b\" \xc3\xa4\\", "bad", "part whole\r", ""});
}

TEST_CASE_METHOD(fixture, "lines that are no docker JSON are passed on and counted", "[framing]") {
    target.decode = decode_kind::docker;
    const std::string file = "plain\n{\"log\":1}\n[]\n{\"log\":\"x\n{\"other\":\"y\"}\n";
    CHECK(values(file) ==
          strings{"plain", "{\"log\":1}", "[]", "{\"log\":\"x", "{\"other\":\"y\"}"});
    CHECK(undecodable == 5);
}

TEST_CASE_METHOD(fixture, "lines are decoded before they are joined to groups", "[framing]") {
    target.decode = decode_kind::cri;
    join("^\\d");
    const std::string file = at + "stderr F 1 boom\n" + at + "stderr P  at \n" + at +
                             "stderr F here\n" + at + "stdout F 2 fine\n" + at + "stdout F 3\n";
    CHECK(values(file) == strings{"1 boom\n at here", "2 fine", "3"});
}

TEST_CASE_METHOD(fixture, "interleaved streams and groups lose nothing", "[framing]") {
    target.decode = decode_kind::cri;
    join("^\\d");
    const std::string file = at + "stdout F 1 a\n" + at + "stdout P 2 b\n" + at +
                             "stderr F more of 1\n" + at + "stderr F 3 c\n" + at +
                             "stdout F , still 2\n" + at + "stdout F 4 d\n";
    CHECK(values(file) == strings{"1 a\nmore of 1", "3 c", "2 b, still 2", "4 d"});
}

TEST_CASE_METHOD(fixture, "UTF-16 becomes UTF-8", "[framing]") {
    const bool big = GENERATE(false, true);
    target.charset = big ? charset_kind::utf16be : charset_kind::utf16le;
    // The units U+0A0D and U+0D0A hold bytes of line ends, but are none.
    const std::u16string text = u"a\u0a0d\u0d0ab\r\n\u20ac\U0001F600\n\n\u0100\n";
    const auto all = records(utf16(text, big));
    CHECK(all == std::vector<record>{{"a\xe0\xa8\x8d\xe0\xb4\x8a"
                                      "b\r",
                                      0, 12},
                                     {"\xe2\x82\xac\xf0\x9f\x98\x80", 12, 20},
                                     {"", 20, 22},
                                     {"\xc4\x80", 22, 26}});
}

TEST_CASE_METHOD(fixture, "what is no character becomes U+FFFD", "[framing]") {
    target.charset = charset_kind::utf16le;
    const char16_t units[] = {0xd800, u'a', 0xdc00, 0xd83d, u'\n', u'b'};
    const auto file = utf16({units, std::size(units)}, false) + "c";
    CHECK(values(file) == strings{"\xef\xbf\xbd"
                                  "a\xef\xbf\xbd\xef\xbf\xbd",
                                  "b\xef\xbf\xbd"});
}

TEST_CASE_METHOD(fixture, "a byte order mark tells the encoding and is no text", "[framing]") {
    const bool big = GENERATE(false, true);
    target.charset = GENERATE(charset_kind::bytes, charset_kind::utf16le, charset_kind::utf16be);
    CHECK(records(utf16(u"\ufeffhi\nyou\n", big)) ==
          std::vector<record>{{"hi", 2, 8}, {"you", 8, 16}});
    CHECK(gaps == 2);
}

TEST_CASE("the encoding is not guessed before there are bytes enough", "[framing]") {
    fleet::log_target target;
    CHECK_FALSE(encoding_of(target, ""));
    CHECK_FALSE(encoding_of(target, "\xff"));
    CHECK_FALSE(encoding_of(target, "\xfe"));
    CHECK(encoding_of(target, "\xfe\xff") == encoding::utf16be);
    CHECK(encoding_of(target, "a") == encoding::bytes);
    CHECK(encoding_of(target, "\xff\xff") == encoding::bytes);
    target.decode = decode_kind::cri;
    CHECK(encoding_of(target, "\xff\xfe") == encoding::bytes);
}

TEST_CASE_METHOD(fixture, "NUL units in front of a line are passed over", "[framing]") {
    const bool big = GENERATE(false, true);
    target.charset = big ? charset_kind::utf16be : charset_kind::utf16le;
    const std::u16string text{u"\0\0a\n\0\n", 6};
    CHECK(records(utf16(text, big)) == std::vector<record>{{"a", 4, 8}, {"", 10, 12}});
    CHECK(gaps == 6);
}

TEST_CASE_METHOD(fixture, "UTF-16 lines are joined to groups", "[framing]") {
    target.charset = charset_kind::utf16le;
    join("^\\d");
    CHECK(values(utf16(u"1\r\n\u00e4\r\n2\r\n", false)) == strings{"1\r\n\xc3\xa4\r", "2\r"});
}

TEST_CASE_METHOD(fixture, "a piece of a line ends between characters", "[framing]") {
    limit = 4;
    const auto piece = [&](std::string_view file) {
        std::vector<record> all;
        cut(file, 0, file.size(), closing::full, all);
        CHECK(cutter.ends_inside());
        REQUIRE(all.size() == 1);
        CHECK(all[0].end == cutter.end());
        return all[0].value;
    };
    join("^x");
    CHECK(piece("abcdefghijklmnop") == "abcd");
    CHECK(piece("abc\xe2\x82\xac abcdefghijk") == "abc");
    CHECK(piece("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80").size() == 1);
    target.decode = decode_kind::cri;
    CHECK(piece(at + "stdout P abcdefghijklmnopqr") == "abcd");
    target.decode = decode_kind::none;
    target.charset = charset_kind::utf16le;
    CHECK(piece(utf16(u"abcdefg\U0001F600xyz", false)) == "abcdefg");
}

TEST_CASE_METHOD(fixture, "random container lines are complete however they arrive", "[framing]") {
    std::mt19937 random{GENERATE(range(1u, 21u))};
    const auto below = [&](unsigned count) { return random() % count; };
    target.decode = decode_kind::cri;
    if (below(2) == 0) join("^[ab]", static_cast<std::uint32_t>(1 + below(4)));
    limit = 20;
    std::string file;
    std::uint64_t bytes = 0;
    for (int i = 0; i < 8; ++i) {
        if (below(8) == 0) file += std::string(1 + below(3), '\0');
        if (below(8) == 0) file += "x";
        file += at + (below(2) ? "stdout " : "stderr ") + (below(2) ? "P " : "F ");
        const auto size = static_cast<unsigned>(below(6));
        bytes += size;
        for (unsigned done = 0; done < size; ++done)
            file += static_cast<char>('a' + below(4));
        file += '\n';
    }
    std::uint64_t found = 0;
    for (const auto& each : records(file)) {
        if (each.value.starts_with("x2026")) continue;
        for (const char c : each.value)
            found += c >= 'a' && c <= 'd';
    }
    if (undecodable == 0) CHECK(found == bytes);
}

// -------------------------------------------------------------------------------------------------

/// Where the line that begins the file ends, found in slices of any size.
std::uint64_t end_of(const fleet::log_target& target, std::string_view file, std::size_t slice) {
    const line_rules rules{target};
    const auto as = encoding_of(target, file.substr(0, 2)).value_or(encoding::bytes);
    long_line scan;
    scan.start(rules, as, 0);
    for (std::size_t more = slice;;) {
        const auto part = file.substr(scan.position(), more);
        const auto before = scan.position();
        if (scan.feed(part, scan.position() + part.size() == file.size())) return scan.position();
        if (scan.position() == file.size()) return scan.position();
        more = scan.position() > before ? slice : more + slice;
    }
}

TEST_CASE("the end of a long line is found in slices of any size", "[framing]") {
    fleet::log_target target;
    const std::size_t slice = GENERATE(1, 2, 3, 7, 64, 1000, 100'000);
    SECTION("bytes") {
        CHECK(end_of(target, std::string(500, 'x') + "\nmore\n", slice) == 501);
        CHECK(end_of(target, std::string(500, 'x'), slice) == 500);
    }
    SECTION("UTF-16") {
        target.charset = charset_kind::utf16be;
        CHECK(end_of(target, utf16(u"\u0a0a\u0a00\u000b\nxyz\n", true), slice) == 8);
    }
    SECTION("CRI parts up to the last one") {
        target.decode = decode_kind::cri;
        const std::string part = at + "stdout P " + std::string(300, 'x') + "\n";
        const std::string last = at + "stdout F end\n";
        CHECK(end_of(target, part + part + last + part, slice) == 2 * part.size() + last.size());
        CHECK(end_of(target, part + part + "garbage\n" + last, slice) == 2 * part.size());
        CHECK(end_of(target, part + at + "stderr F e\n" + last, slice) == part.size());
        CHECK(end_of(target, "garbage\n" + part, slice) == 8);
    }
    SECTION("docker parts up to the last one") {
        target.decode = decode_kind::docker;
        const std::string part =
            "{\"log\":\"" + std::string(300, 'x') + "\",\"stream\":\"stdout\"}\n";
        const std::string last = "{\"log\":\"x\\n\",\"stream\":\"stdout\"}\n";
        CHECK(end_of(target, part + part + last + part, slice) == 2 * part.size() + last.size());
        CHECK(end_of(target, part + "garbage\n" + last, slice) == part.size());
    }
}

}  // namespace
}  // namespace logagent::delivery

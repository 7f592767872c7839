#include "logagent/delivery/record_builder.hpp"

#include <boost/json.hpp>
#include <cstring>
#include <numeric>
#include <optional>
#include <random>

#include "logagent/base/escape.hpp"
#include "support/test.hpp"

namespace logagent::delivery {
namespace {

using checkpoint::byte_class;
using fleet::key_kind;
using fleet::oversize_policy;
using fleet::record_format;
namespace json = boost::json;

/// A file in one chunk, and the records that are made of its lines.
struct fixture {
    budget memory{1 << 30};
    chunk_pool pool{memory};
    fleet::log_target target;
    checkpoint::generation_id generation;
    std::optional<line_filter> filter;
    record_builder builder{pool};
    record_builder::origin from;
    chunk_ref file = pool.allocate(chunk_pool::large);
    run lines;
    std::uint64_t offset = 0;  // in the file

    fixture() {
        for (std::size_t i = 0; i < generation.bits.size(); ++i)
            generation.bits[i] = static_cast<std::uint8_t>(i * 17);
        target.service = "shop";
        from.host = "web1";
        from.path = "/var/log/a.log";
        from.record_limit = 1'000'000;
        from.now_ms = 1'700'000'000'123;
    }

    void begin() {
        filter.emplace(target);
        from.target = &target;
        from.filter = &*filter;
        from.generation = &generation;
        builder.begin(from, lines);
    }
    line read(std::string_view text, std::string_view end = "\n") {
        std::memcpy(file->room().data(), text.data(), text.size());
        line made;
        made.text = file->room().data();
        made.size = static_cast<std::uint32_t>(text.size());
        made.begin = offset;
        file->use(text.size());
        offset += text.size() + end.size();
        made.end = offset;
        return made;
    }
    bool add(std::string_view text) {
        const auto made = read(text);
        return builder.add(made);
    }
    std::string_view value(std::size_t index) const {
        const auto& record = builder.records().at(index);
        return {record.value, record.size};
    }
    std::string_view key(std::size_t index) const {
        const auto& record = builder.records().at(index);
        return {record.key, record.key_size};
    }
    std::uint64_t counted(byte_class what) const {
        return lines.counts[static_cast<std::size_t>(what)];
    }
    std::uint64_t counted() const {
        return std::accumulate(lines.counts.begin(), lines.counts.end(), std::uint64_t{0});
    }
};

TEST_CASE_METHOD(fixture, "a raw record borrows the line from the file's chunk",
                 "[record_builder]") {
    begin();
    const auto made = read("hello \xff world");
    REQUIRE(builder.add(made));
    REQUIRE(builder.records().size() == 1);
    CHECK(builder.records()[0].value == made.text);
    CHECK(file->holds(builder.records()[0].value));
    CHECK(value(0) == "hello \xff world");
    CHECK(lines.built.empty());
    CHECK(counted(byte_class::acked) == made.end);
}

TEST_CASE_METHOD(fixture, "keys name the host, the service, the file and the bytes",
                 "[record_builder]") {
    const std::string id = generation.text();
    REQUIRE(id.size() == 22);
    offset = 40;
    SECTION("full") {
        begin();
        add("hello");
        const std::string expected = "[\"web1\",\"shop\",\"/var/log/a.log\",\"" + id + "\",40,46]";
        CHECK(key(0) == expected);
        CHECK(builder.key_bytes() == expected.size());
        CHECK(builder.key_of(from, 40, 46, false) == expected);
    }
    SECTION("id") {
        target.key = key_kind::id;
        begin();
        add("hello");
        CHECK(key(0) == "[\"" + id + "\",40,46]");
        CHECK(builder.key_of(from, 40, 46, true) == "[\"" + id + "\",40,46]");
    }
    SECTION("none") {
        target.key = key_kind::none;
        begin();
        add("hello");
        CHECK(builder.records()[0].key == nullptr);
        CHECK(builder.records()[0].key_size == 0);
        CHECK(builder.key_bytes() == 0);
        CHECK(builder.key_of(from, 40, 46, false).empty());
        // A dead letter is found by its key, whatever the target says.
        CHECK(builder.key_of(from, 40, 46, true) ==
              "[\"web1\",\"shop\",\"/var/log/a.log\",\"" + id + "\",40,46]");
    }
}

TEST_CASE_METHOD(fixture, "a key is valid JSON whatever the names are made of",
                 "[record_builder]") {
    from.host = "we\"b\\1";
    from.path = "/var/log/\xff\"\n.log";
    target.service = "caf\xc3\xa9";
    begin();
    add("hello");
    const auto parsed = json::parse(key(0)).as_array();
    REQUIRE(parsed.size() == 6);
    CHECK(parsed[0].as_string() == "we\"b\\1");
    CHECK(parsed[1].as_string() == "caf\xc3\xa9");
    CHECK(parsed[2].as_string() == "/var/log/\xef\xbf\xbd\"\n.log");
    CHECK(parsed[3].as_string() == generation.text());
    CHECK(parsed[4].to_number<std::uint64_t>() == 0);
    CHECK(parsed[5].to_number<std::uint64_t>() == 6);
}

TEST_CASE_METHOD(fixture, "the keys of a large run stay where they are", "[record_builder]") {
    const std::string path(4000, '\x01');  // escaped six times as long
    from.path = path;
    begin();
    for (int i = 0; i < 200; ++i)
        REQUIRE(add("x"));
    for (std::size_t i = 0; i < 200; ++i) {
        const auto parsed = json::parse(key(i)).as_array();
        REQUIRE(parsed[4].to_number<std::uint64_t>() == 2 * i);
        REQUIRE(parsed[5].to_number<std::uint64_t>() == 2 * i + 2);
    }
    begin();  // the scratch is used again
    add("y");
    CHECK(builder.records().size() == 1);
    CHECK(json::parse(key(0)).as_array()[4].to_number<std::uint64_t>() == 400);
}

TEST_CASE_METHOD(fixture, "a line end of two bytes is no part of the value", "[record_builder]") {
    begin();
    add("dos\r");
    add("two\r\r");
    add("in\rside");
    CHECK(value(0) == "dos");
    CHECK(value(1) == "two\r");
    CHECK(value(2) == "in\rside");
    CHECK(key(0).ends_with(",0,5]"));
    CHECK(counted() == offset);
}

TEST_CASE_METHOD(fixture, "blank lines are counted and not sent", "[record_builder]") {
    begin();
    for (const auto blank : {"", "   ", "\t", "\r", " \t\v\f\r"})
        add(blank);
    CHECK(builder.records().empty());
    CHECK(counted(byte_class::blank) == offset);
    add(" x ");
    CHECK(value(0) == " x ");
}

TEST_CASE_METHOD(fixture, "blank lines are sent where the target says so", "[record_builder]") {
    target.skip_blank = false;
    begin();
    add("");
    add(" \r");
    CHECK(value(0).empty());
    CHECK(value(1) == " ");
    CHECK(counted(byte_class::blank) == 0);
    CHECK(counted(byte_class::acked) == offset);
}

TEST_CASE_METHOD(fixture, "filtered lines are counted and not sent", "[record_builder]") {
    target.keep = {"ERROR$"};
    target.drop = {"noise"};
    begin();
    add("an ERROR\r");  // the line end is no part of what patterns see
    add("INFO");
    add("noise ERROR");
    REQUIRE(builder.records().size() == 1);
    CHECK(value(0) == "an ERROR");
    CHECK(counted(byte_class::acked) == 10);
    CHECK(counted(byte_class::filtered) == offset - 10);
}

TEST_CASE_METHOD(fixture, "what is masked never leaves the host", "[record_builder]") {
    target.mask = {{"secret\\d+", "***"}};
    begin();
    add("a secret123 b");
    add("plain");
    CHECK(value(0) == "a *** b");
    CHECK(value(1) == "plain");
    REQUIRE(lines.built.size() == 1);
    CHECK(lines.built[0]->holds(builder.records()[0].value));
    CHECK_FALSE(file->holds(builder.records()[0].value));
    CHECK(counted(byte_class::acked) == offset);
}

TEST_CASE_METHOD(fixture, "a raw line is cut at the limit and not one byte before",
                 "[record_builder]") {
    target.key = key_kind::none;
    target.max_line_bytes = 1000;
    SECTION("borrowed") {}
    SECTION("masked") {
        target.mask = {{"y", "Y"}};
    }
    begin();
    add(std::string(872, 'x'));
    add(std::string(873, 'x'));
    CHECK(value(0).size() == 872);
    CHECK(value(1).size() == 872);
    CHECK(counted(byte_class::cut) == 1);
    CHECK(counted() == offset);
    CHECK(builder.dead_letters().empty());
}

TEST_CASE_METHOD(fixture, "the topic's limit counts where it is the smaller one",
                 "[record_builder]") {
    target.key = key_kind::none;
    from.record_limit = 500;
    begin();
    add(std::string(1000, 'x'));
    CHECK(value(0).size() == 500 - 128);
}

TEST_CASE_METHOD(fixture, "a line over the limit becomes a dead letter where the target says so",
                 "[record_builder]") {
    target.key = key_kind::none;
    target.max_line_bytes = 1000;
    target.oversize = oversize_policy::dead_letter;
    SECTION("borrowed") {}
    SECTION("masked") {
        target.mask = {{"y", "Y"}};
    }
    begin();
    add(std::string(872, 'x'));
    const auto from_here = offset;
    add(std::string(873, 'x'));
    CHECK(builder.records().size() == 1);
    REQUIRE(builder.dead_letters().size() == 1);
    CHECK(builder.dead_letters()[0].begin == from_here);
    CHECK(builder.dead_letters()[0].end == offset);
    CHECK(counted(byte_class::dead_letter) == 874);
    CHECK(counted() == offset);
}

TEST_CASE_METHOD(fixture, "a line of which a part was not even read counts that part as cut",
                 "[record_builder]") {
    begin();
    auto made = read("front");
    made.cut = 5000;
    made.end = offset += 5000;
    SECTION("truncated") {
        builder.add(made);
        CHECK(value(0) == "front");
        CHECK(counted(byte_class::cut) == 5000);
        CHECK(key(0).ends_with(",0,5006]"));
    }
    SECTION("dead letter") {
        target.oversize = oversize_policy::dead_letter;
        builder.add(made);
        CHECK(builder.records().empty());
        CHECK(counted(byte_class::dead_letter) == 5006);
    }
    CHECK(counted() == offset);
}

TEST_CASE_METHOD(fixture, "a mask that makes a line too long cuts no more than there was",
                 "[record_builder]") {
    target.max_line_bytes = 1000;
    target.key = key_kind::none;
    target.mask = {{"x", std::string(500, '*')}};
    begin();
    add("xxxx");
    CHECK(value(0).size() == 872);
    CHECK(counted() == offset);
}

TEST_CASE_METHOD(fixture, "a JSON record says where its line comes from", "[record_builder]") {
    target.format = record_format::json;
    from.host = "we\"b";
    offset = 7;
    begin();
    add("say \"hi\"\t\\");
    CHECK(value(0) ==
          "{\"@timestamp\":\"2023-11-14T22:13:20.123Z\",\"host\":\"we\\\"b\",\"service\":\"shop\","
          "\"path\":\"/var/log/a.log\",\"generation\":\"" +
              generation.text() +
              "\",\"start\":7,\"end\":18,\"message\":\"say \\\"hi\\\"\\t\\\\\"}");
    REQUIRE(lines.built.size() == 1);
    CHECK(lines.built[0]->holds(builder.records()[0].value));
}

TEST_CASE_METHOD(fixture, "a JSON record of bytes that are no UTF-8 is valid and says so",
                 "[record_builder]") {
    target.format = record_format::json;
    begin();
    add("a\xff\x80z");
    add("fine");
    const auto parsed = json::parse(value(0)).as_object();
    CHECK(parsed.at("encoding_error").as_bool());
    CHECK(parsed.at("message").as_string().starts_with("a\xef\xbf\xbd"));
    CHECK(base::is_utf8(value(0)));
    CHECK_FALSE(json::parse(value(1)).as_object().contains("encoding_error"));
}

TEST_CASE_METHOD(fixture, "a JSON record stays below the limit with its envelope and its escapes",
                 "[record_builder]") {
    target.format = record_format::json;
    target.max_line_bytes = 1000;
    begin();
    for (const char* const piece : {"x", "\"", "\x01", "\xff", "\xc3\xa9", "\xf0\x9f\x98\x80"}) {
        std::string text;
        while (text.size() < 2000)
            text += piece;
        const auto at = builder.records().size();
        INFO("piece " << at);
        REQUIRE(add(text));
        CHECK(value(at).size() + key(at).size() + 128 <= 1000);
        CHECK(value(at).size() + key(at).size() + 128 >= 800);  // what fits is kept
        const auto parsed = json::parse(value(at)).as_object();
        const bool valid = base::is_utf8(piece);
        CHECK(parsed.contains("encoding_error") == !valid);  // characters are cut whole
        if (valid) CHECK(text.starts_with(std::string_view{parsed.at("message").as_string()}));
    }
    CHECK(counted(byte_class::cut) > 0);
    CHECK(counted() == offset);
}

TEST_CASE_METHOD(fixture, "a JSON record over the limit becomes a dead letter",
                 "[record_builder]") {
    target.format = record_format::json;
    target.max_line_bytes = 1000;
    target.oversize = oversize_policy::dead_letter;
    begin();
    add(std::string(50, '\x01'));
    add(std::string(300, '\x01'));  // 1800 when escaped
    CHECK(builder.records().size() == 1);
    CHECK(builder.dead_letters().size() == 1);
    CHECK(counted() == offset);
}

TEST_CASE_METHOD(fixture, "a run ends before the line whose value has no room",
                 "[record_builder]") {
    target.mask = {{"y", "Y"}};
    begin();
    const std::string text(100'000, 'x');
    const auto one = read(text);
    REQUIRE(builder.add(one));
    REQUIRE(builder.add(one));
    const auto counts = lines.counts;
    CHECK_FALSE(builder.add(one));
    CHECK(builder.records().size() == 2);
    CHECK(builder.records().back().key != nullptr);
    CHECK(lines.counts == counts);
    run next;
    builder.begin(from, next);
    CHECK(builder.add(one));  // the next run has room again
}

TEST_CASE("the classes of random lines add up to their bytes, and no record is too large",
          "[record_builder]") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random{seed};
        const auto below = [&](std::size_t limit) { return random() % limit; };
        fixture each;
        auto& target = each.target;
        target.format = below(2) ? record_format::json : record_format::raw;
        target.key = static_cast<key_kind>(below(3));
        target.oversize = below(2) ? oversize_policy::dead_letter : oversize_policy::truncate;
        target.skip_blank = below(2) == 0;
        target.max_line_bytes = static_cast<std::uint32_t>(700 + below(1000));
        if (below(2)) target.drop = {"^A"};
        if (below(2)) target.mask = {{"[B-F]+", "*****"}};
        each.begin();
        for (int i = 0; i < 100; ++i) {
            std::string text(below(4) ? below(40) : below(1500), ' ');
            const std::size_t letters = below(3) ? 256 : 4;
            for (auto& byte : text)
                byte = static_cast<char>(below(letters) + (letters < 9 ? 64 : 0));
            if (below(3) == 0) text += '\r';
            if (!each.add(text)) break;
            REQUIRE(each.counted() == each.offset);
        }
        for (std::size_t i = 0; i < each.builder.records().size(); ++i) {
            REQUIRE(each.value(i).size() + each.key(i).size() + 128 <= target.max_line_bytes);
            if (target.key != key_kind::none) REQUIRE_NOTHROW(json::parse(each.key(i)));
            if (target.format == record_format::json) REQUIRE_NOTHROW(json::parse(each.value(i)));
        }
    }
}

TEST_CASE_METHOD(fixture, "a line that is split becomes records with adjacent ranges",
                 "[record_builder]") {
    target.oversize = oversize_policy::split;
    target.key = key_kind::id;
    target.max_line_bytes = 400;
    const bool quoted = GENERATE(false, true);
    if (quoted) target.format = record_format::json;
    if (quoted) target.max_line_bytes = 700;
    std::string text;
    for (int i = 0; i < 300; ++i)
        text += i % 3 == 0 ? "\xe2\x82\xac" : i % 3 == 1 ? "\"" : "\xc3\xa4";
    offset = 1000;
    begin();
    REQUIRE(add(text));
    REQUIRE(builder.records().size() > 2);
    std::string whole;
    std::uint64_t next = 1000;
    for (std::size_t i = 0; i < builder.records().size(); ++i) {
        CHECK(value(i).size() + key(i).size() + 128 <= target.max_line_bytes);
        CHECK(base::is_utf8(value(i)));
        if (quoted)
            whole += json::parse(value(i)).at("message").as_string();
        else
            whole += value(i);
        const auto range = json::parse(key(i)).as_array();
        CHECK(range.at(1).to_number<std::uint64_t>() == next);
        next = range.at(2).to_number<std::uint64_t>();
    }
    CHECK(whole == text);
    CHECK(next == offset);
    CHECK(counted(byte_class::acked) == text.size() + 1);
}

TEST_CASE_METHOD(fixture, "what a run must hold gets room beyond its first chunk",
                 "[record_builder]") {
    target.format = record_format::json;
    target.max_line_bytes = 1'000'000;
    begin();
    const std::string text(100'000, 'x');
    const line made{text.data(), 100'000, 0, 100'001};
    REQUIRE(builder.add(made));
    REQUIRE(builder.add(made));
    CHECK_FALSE(builder.add(made));
    CHECK(builder.records().size() == 2);
    REQUIRE(builder.add(made, true));
    CHECK(lines.built.size() == 2);
    CHECK(json::parse(value(2)).at("message").as_string().size() == 100'000);
}

TEST_CASE_METHOD(fixture, "bytes of others within a line are not counted with it",
                 "[record_builder]") {
    begin();
    auto made = read("hello");
    made.end += 50;
    made.foreign = 40;
    made.passing = true;
    REQUIRE(builder.add(made));
    CHECK(counted() == made.end - 40);
    CHECK_FALSE(file->holds(builder.records()[0].value));
}

}  // namespace
}  // namespace logagent::delivery

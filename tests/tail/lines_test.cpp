#include <algorithm>
#include <boost/json.hpp>
#include <random>
#include <set>

#include "host.hpp"
#include "logagent/base/escape.hpp"
#include "support/test.hpp"

namespace logagent::tail {
namespace {

using namespace std::chrono_literals;
using fleet::charset_kind;
using fleet::decode_kind;
using fleet::oversize_policy;
using test::host;
using test::strings;

const std::string path = "/l/a";
const std::string at = "2026-01-02T03:04:05.678901234Z ";

/// A host with one target whose file is written to by the test.
struct one_file : host {
    fleet::log_target wanted = target(path);
    std::uint64_t written = 0;

    void begin() {
        options.rotate_wait = 2s;
        start();
        apply({wanted});
    }
    void add(std::string_view bytes) {
        written += bytes.size();
        const bool fresh = !disk.names.contains(path);
        disk.write(path, bytes);
        changed(fresh ? os::inotify::change::appeared : os::inotify::change::written, path);
        settle();
    }
    strings values() const { return broker.values("t"); }

    struct span {
        std::uint64_t begin = 0, end = 0;
        bool operator==(const span&) const = default;
        friend std::ostream& operator<<(std::ostream& out, const span& one) {
            return out << one.begin << '-' << one.end;
        }
    };
    static span range_of(const std::string& key) {
        const auto parts = boost::json::parse(key).as_array();
        return {parts.at(4).to_number<std::uint64_t>(), parts.at(5).to_number<std::uint64_t>()};
    }
    std::vector<span> ranges() const {
        std::vector<span> all;
        for (const auto& each : broker.stored)
            if (each.topic == "t") all.push_back(range_of(each.key));
        return all;
    }
    std::uint64_t sum(checkpoint::byte_class what) const {
        return running->sums().classes[static_cast<std::size_t>(what)];
    }
    void fail_once(std::string_view part) {
        broker.judge = [part = std::string{part}, failed = false](const auto& record) mutable {
            if (failed || record.value.find(part) == std::string::npos) return kafka::error::none;
            failed = true;
            return kafka::error::msg_timed_out;
        };
    }
};

std::string utf16(std::u16string_view text) {
    std::string out;
    for (const char16_t unit : text) {
        out += static_cast<char>(unit & 0xff);
        out += static_cast<char>(unit >> 8);
    }
    return out;
}

TEST_CASE_METHOD(one_file, "a group is sent when its next one begins, or nothing comes for long",
                 "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 3000};
    begin();
    add("1 boom\n at x\n");
    add(" at y\n2 fine\n");
    CHECK(values() == strings{"1 boom\n at x\n at y"});
    pass(2s);
    add(" more\n");
    pass(2900ms);
    CHECK(values().size() == 1);
    pass(200ms);
    CHECK(values() == strings{"1 boom\n at x\n at y", "2 fine\n more"});
    add(" too late\n");
    pass(4s);
    CHECK(values().back() == " too late");
    CHECK(ranges() == std::vector<span>{{0, 19}, {19, 32}, {32, 42}});
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "a line without end is not torn off by the time-out of a group",
                 "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 1000};
    begin();
    add("1\n a\n2 unfini");
    pass(5s);
    CHECK(values() == strings{"1\n a"});
    add("shed\n");
    pass(5s);
    CHECK(values() == strings{"1\n a", "2 unfinished"});
}

TEST_CASE_METHOD(one_file, "what waits for more lines costs no turns", "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 60'000};
    begin();
    add("1\n a\n");
    for (int i = 0; i < 3; ++i)
        CHECK(running->turn(now) > now.steady);
}

TEST_CASE_METHOD(one_file, "a group that failed is sent again with the same key", "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 1000};
    begin();
    fail_once("2");
    add("1\n a\n2\n b\n3\n c\n");
    pass(5s);
    CHECK(values() == strings{"1\n a", "1\n a", "2\n b", "3\n c"});
    CHECK(ranges() == std::vector<span>{{0, 5}, {0, 5}, {5, 10}, {10, 15}});
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "a restart in the middle of a group loses and tears nothing",
                 "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 5000};
    begin();
    add("1\n a\n2\n b\n");
    CHECK(values() == strings{"1\n a"});
    restart();
    apply({wanted});
    add(" c\n3\n");
    pass(6s);
    CHECK(values() == strings{"1\n a", "2\n b\n c", "3"});
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "the group at the end of a rotated file comes before the next file",
                 "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 5000};
    begin();
    add("1\n a\n2\n b\n");
    rename(path, "/l/a.1");
    add("3\n c\n4\n");
    CHECK(values() == strings{"1\n a"});
    disk.write("/l/a.1", " late\n");
    changed(os::inotify::change::written, "/l/a.1");
    pass(10s);
    CHECK(values() == strings{"1\n a", "2\n b\n late", "3\n c", "4"});
}

TEST_CASE_METHOD(one_file, "once closes the last group", "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 5000};
    wanted.start = fleet::start_at::start;
    options.once = true;
    disk.write(path, "1\n a\n2\n b");
    begin();
    CHECK(values() == strings{"1\n a", "2\n b"});
    CHECK(running->finished());
}

TEST_CASE_METHOD(one_file, "container lines are joined, streams apart", "[lines]") {
    wanted.decode = decode_kind::cri;
    begin();
    const std::string first = at + "stdout P out\n", second = at + "stderr F err\n",
                      third = at + "stdout F put\n";
    add(first);
    pass(1s);
    add(second + third + "garbage\n");
    CHECK(values() == strings{"err", "output", "garbage"});
    const auto end = first.size() + second.size();
    CHECK(ranges()[0] == span{first.size(), end});
    CHECK(ranges()[1] == span{0, end + third.size()});
    CHECK(running->counted().undecodable_lines == 1);
    CHECK(running->in_flight().used() <= delivery::chunk_pool::small);
    check_ledger(written);
    CHECK(sum(checkpoint::byte_class::acked) == written);
}

TEST_CASE_METHOD(one_file, "a container line whose last part never comes holds nobody up",
                 "[lines]") {
    wanted.decode = decode_kind::cri;
    begin();
    add(at + "stdout P begun\n");
    for (int i = 0; i < 10; ++i) {
        add(at + "stderr F " + std::to_string(i) + "\n");
        pass(1s);
    }
    CHECK(values().size() >= 6);
    CHECK(std::ranges::count(values(), "begun") == 1);
    pass(6s);
    CHECK(values().size() == 11);
}

TEST_CASE_METHOD(one_file, "lines within each other that failed keep their keys", "[lines]") {
    wanted.decode = decode_kind::cri;
    begin();
    fail_once("err");
    add(at + "stdout P out\n" + at + "stderr F err\n" + at + "stdout F put\n");
    pass(5s);
    CHECK(values() == strings{"output", "err", "output"});
    CHECK(ranges()[0] == ranges()[2]);
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "a refused record is buried with its own key and text", "[lines]") {
    wanted.decode = decode_kind::docker;
    begin();
    broker.judge = [](const auto& record) {
        return record.topic == "t" && record.value.starts_with("bad") ? kafka::error::invalid_record
                                                                      : kafka::error::none;
    };
    const std::string good = "{\"log\":\"good\\n\",\"stream\":\"stdout\"}\n";
    const std::string blank = "{\"log\":\"\\n\",\"stream\":\"stdout\"}\n";
    const std::string bad = "{\"log\":\"bad \\\"one\\\"\\n\",\"stream\":\"stdout\"}\n";
    add(good + blank + bad + good);
    pass(20s);
    REQUIRE(broker.values("t.dead") == strings{"bad \"one\""});
    const auto letter = std::ranges::find(broker.stored, "t.dead", &test::stored_record::topic);
    const auto begin = good.size() + blank.size();
    CHECK(range_of(letter->key) == span{begin, begin + bad.size()});
    CHECK(sum(checkpoint::byte_class::dead_letter) == bad.size());
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "refused records that lie within each other are buried together",
                 "[lines]") {
    wanted.decode = decode_kind::cri;
    begin();
    broker.judge = [](const auto& record) {
        return record.topic == "t" && record.value.starts_with("bad") ? kafka::error::invalid_record
                                                                      : kafka::error::none;
    };
    const std::string mixed =
        at + "stdout P bad \n" + at + "stderr F bad, too\n" + at + "stdout F one\n";
    add(mixed + at + "stdout F good\n");
    pass(20s);
    CHECK(broker.values("t.dead") == strings{mixed.substr(0, mixed.size() - 1)});
    CHECK(values().back() == "good");
    CHECK(sum(checkpoint::byte_class::dead_letter) == mixed.size());
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "UTF-16 is known by its mark after a restart, too", "[lines]") {
    wanted.charset = GENERATE(charset_kind::bytes, charset_kind::utf16be);
    begin();
    add(utf16(u"\ufeffone\r\n\u00e4"));
    CHECK(values() == strings{"one"});
    restart();
    apply({wanted});
    add(utf16(u"\u20ac\n").substr(0, 3));
    CHECK(values().size() == 1);
    add(utf16(u"\u20ac\n").substr(3));
    CHECK(values() == strings{"one", "\xc3\xa4\xe2\x82\xac"});
    CHECK(ranges() == std::vector<span>{{2, 12}, {12, 18}});
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "NULs that a truncation left are passed over, counted and not kept",
                 "[lines]") {
    const std::size_t hole = GENERATE(1, 10, 5000, 5'000'000);
    wanted.charset = GENERATE(charset_kind::bytes, charset_kind::utf16le);
    const bool wide = wanted.charset != charset_kind::bytes;
    const std::size_t nuls = wide ? hole * 2 : hole;
    begin();
    const auto text = [&](std::u16string_view units) {
        return wide ? utf16(units) : std::string{units.begin(), units.end()};
    };
    add(std::string(nuls, '\0') + text(u"one\ntwo\n"));
    pass(1s);
    CHECK(values() == strings{"one", "two"});
    CHECK(ranges()[0].begin == nuls);
    CHECK(sum(checkpoint::byte_class::blank) == nuls);
    CHECK(running->in_flight().used() <= delivery::chunk_pool::small);
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "NULs at the end are room that is still written to", "[lines]") {
    const std::size_t room = GENERATE(100, 5'000'000);
    const std::string one(2000, 'x');
    begin();
    add(one + "\n" + std::string(room, '\0'));
    pass(10s);
    CHECK(values() == strings{one});
    auto& content = disk.names.at(path)->content;
    content.replace(2001, 8, "two\nthre");
    changed(os::inotify::change::written, path);
    pass(1s);
    CHECK(values() == strings{one, "two"});
    content.replace(2009, 2, "e\n");
    changed(os::inotify::change::written, path);
    pass(1s);
    CHECK(values() == strings{one, "two", "three"});
    rename(path, "/l/a.1");
    pass(20s);
    CHECK(values().size() == 3);
    CHECK(sum(checkpoint::byte_class::blank) == room - 10);
    check_ledger(written);
}

/// The pieces of a line together, after it was seen that their ranges follow each other.
std::string put_together(const one_file& h, std::size_t from, std::size_t to) {
    std::string all;
    for (std::size_t i = from; i < to; ++i) {
        all += h.values().at(i);
        if (i > from) CHECK(h.ranges()[i].begin == h.ranges()[i - 1].end);
    }
    return all;
}

TEST_CASE_METHOD(one_file, "a line that is split arrives whole, in pieces that fit", "[lines]") {
    wanted.oversize = oversize_policy::split;
    wanted.max_line_bytes = 2000;
    const std::size_t size = GENERATE(1790, 1800, 2000, 5000, 300'000, 1'000'000);
    const std::string end = GENERATE("\n", "\r\n");
    begin();
    std::string text;
    while (text.size() < size)
        text += "h\xc3\xa4\xe2\x82\xac ";
    add("before\n" + text.substr(0, size / 3));
    pass(1s);
    add(text.substr(size / 3) + end + "   \nafter\n");
    pass(5s);
    CHECK(values().front() == "before");
    CHECK(values().back() == "after");
    CHECK(put_together(*this, 1, values().size() - 1) == text);
    for (std::size_t i = 1; i + 1 < values().size(); ++i)
        CHECK(base::is_utf8(values()[i]));
    CHECK(ranges()[1].begin == 7);
    CHECK(ranges()[values().size() - 2].end == written - 10);
    CHECK(sum(checkpoint::byte_class::acked) == written - 4);
    for (const auto& each : broker.stored)
        CHECK(each.value.size() + each.key.size() + 128 <= 2000);
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "pieces that failed or that a restart interrupted keep their keys",
                 "[lines]") {
    wanted.oversize = oversize_policy::split;
    wanted.max_line_bytes = 1000;
    std::string text;
    for (int i = 0; i < 20'000; ++i)
        text += i % 50 == 0 ? std::string(5, '\0') : std::to_string(i);
    begin();
    add("x");
    fail_once("5432");
    disk.write(path, text);
    written += text.size();
    changed(os::inotify::change::written, path);
    settle(20);
    restart();
    apply({wanted});
    add("\nend\n");
    pass(5s);
    std::map<std::uint64_t, std::string> pieces;
    for (std::size_t i = 0; i < values().size(); ++i) {
        const auto [place, fresh] = pieces.emplace(ranges()[i].begin, values()[i]);
        if (!fresh) CHECK(place->second == values()[i]);
    }
    std::string all;
    for (const auto& [begin, value] : pieces)
        all += value;
    CHECK(all == "x" + text + "end");
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "decoded lines are split where their text is too long", "[lines]") {
    wanted.oversize = oversize_policy::split;
    wanted.max_line_bytes = 1000;
    std::string text(5000, 'x'), line;
    SECTION("CRI in one line") {
        wanted.decode = decode_kind::cri;
        line = at + "stdout F " + text + "\n";
    }
    SECTION("CRI in parts") {
        wanted.decode = decode_kind::cri;
        for (int i = 0; i < 9; ++i)
            line += at + "stdout P " + std::string(500, 'x') + "\n";
        line += at + "stdout F " + std::string(500, 'x') + "\n";
    }
    SECTION("docker") {
        text.resize(1500);
        wanted.decode = decode_kind::docker;
        line = "{\"log\":\"" + text + "\\n\",\"stream\":\"stdout\"}\n";
    }
    SECTION("UTF-16") {
        wanted.charset = charset_kind::utf16le;
        line = utf16(std::u16string(5000, u'x') + u"\n");
    }
    begin();
    add(line);
    pass(6s);
    CHECK(put_together(*this, 0, values().size()) == text);
    CHECK(ranges().front().begin == 0);
    CHECK(ranges().back().end == written);
    CHECK(sum(checkpoint::byte_class::acked) == written);
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "a decoded line that does not fit into memory is cut", "[lines]") {
    wanted.max_line_bytes = 10'000;
    std::string line, next;
    std::string text(500'000, 'x');
    SECTION("CRI in one line") {
        wanted.decode = decode_kind::cri;
        line = at + "stdout F " + text + "\n";
        next = at + "stdout F next\n";
    }
    SECTION("CRI in parts, other lines behind them") {
        wanted.decode = decode_kind::cri;
        for (int i = 0; i < 1000; ++i)
            line += at + "stdout P " + std::string(500, 'x') + "\n";
        next = at + "stderr F next\n";
    }
    SECTION("docker in parts") {
        wanted.decode = decode_kind::docker;
        for (int i = 0; i < 1000; ++i)
            line += "{\"log\":\"" + std::string(500, 'x') + "\",\"stream\":\"stdout\"}\n";
        line += "{\"log\":\"end\\n\",\"stream\":\"stdout\"}\n";
        next = "{\"log\":\"next\\n\",\"stream\":\"stdout\"}\n";
    }
    SECTION("UTF-16") {
        wanted.charset = charset_kind::utf16le;
        line = utf16(std::u16string(500'000, u'x') + u"\n");
        next = utf16(u"next\n");
    }
    begin();
    add(line + next);
    pass(1s);
    REQUIRE(values().size() == 2);
    CHECK(values()[0].size() > 9000);
    CHECK(values()[0] == std::string(values()[0].size(), 'x'));
    CHECK(values()[1] == "next");
    CHECK(ranges() ==
          std::vector<span>{{0, line.size()}, {line.size(), line.size() + next.size()}});
    CHECK(sum(checkpoint::byte_class::cut) > line.size() - 30'000);
    CHECK(running->in_flight().used() <= delivery::chunk_pool::small);
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "a long line closes the group before it, and is cut alone", "[lines]") {
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 1000};
    wanted.max_line_bytes = 2000;
    begin();
    add("1\n a\n" + std::string(5000, 'x') + "\n b\n2\n");
    pass(3s);
    REQUIRE(values().size() == 4);
    CHECK(values()[0] == "1\n a");
    CHECK(values()[1].starts_with("xxx"));
    CHECK(values()[2] == " b");
    CHECK(ranges()[1] == span{5, 5006});
    check_ledger(written);
}

TEST_CASE_METHOD(one_file, "changed rules hold from the next line on", "[lines]") {
    begin();
    add(at + "stdout F one\n");
    wanted.decode = decode_kind::cri;
    apply({wanted});
    add(at + "stdout F two\n");
    wanted.decode = decode_kind::none;
    wanted.multiline = fleet::multiline_rule{"^\\d", 500, 1000};
    apply({wanted});
    add("3\n a\n4\n");
    CHECK(values() == strings{at + "stdout F one", "two", "3\n a"});
}

TEST_CASE_METHOD(one_file, "whatever fails and when, each line arrives under one key", "[lines]") {
    const auto seed = GENERATE(Catch::Generators::range(1u, 61u));
    std::mt19937 random{seed};
    INFO("seed " << seed);
    const auto below = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
    const unsigned kind = below(5);
    if (kind == 1) wanted.decode = decode_kind::cri;
    if (kind == 2) wanted.decode = decode_kind::docker;
    if (kind == 3) wanted.charset = charset_kind::utf16le;
    if (below(2) == 0) wanted.multiline = fleet::multiline_rule{"^\\d*[05] ", 1 + below(5), 1000};
    if (below(2) == 0) wanted.format = fleet::record_format::json;
    if (below(2) == 0) wanted.oversize = oversize_policy::split;
    wanted.max_line_bytes = below(2) ? 600 : 100'000;
    if (below(3) == 0) wanted.send_rate = 400;
    begin();
    broker.judge = [&](const auto&) {
        return below(20) == 0 ? kafka::error::msg_timed_out : kafka::error::none;
    };
    std::set<int> expected;
    for (int number = 0, round = 0; round < 12; ++round) {
        std::string text;
        for (unsigned more = below(30); more > 0; --more) {
            const std::string name = std::to_string(number) + " ";
            const std::string word = name + std::string(below(40), '.');
            const std::string stream = below(2) ? "stdout" : "stderr";
            const bool part = below(4) == 0;
            expected.insert(number++);
            if (kind == 1) {
                text += at + stream + (part ? " P " : " F ") + word + "\n";
            } else if (kind == 2) {
                text += "{\"log\":\"" + word + (part ? "" : "\\n") + "\",\"stream\":\"" + stream +
                        "\"}\n";
            } else if (kind == 3) {
                text += utf16(std::u16string{word.begin(), word.end()} + u"\n");
            } else {
                text += word + "\n";
            }
        }
        const auto half = below(static_cast<unsigned>(text.size()) + 1);
        add(text.substr(0, half));
        if (below(2)) pass(tail::duration{below(2) ? 300ms : 1500ms});
        if (below(6) == 0) {
            restart(below(2) == 0);
            apply({wanted});
        }
        add(text.substr(half));
    }
    broker.judge = [](const auto&) { return kafka::error::none; };
    rename(path, "/l/a.1");
    pass(60s);
    check_ledger(written);
    CHECK(sum(checkpoint::byte_class::acked) == written);
    std::set<int> found;
    for (const auto& record : broker.stored) {
        std::string value = record.value;
        if (wanted.format == fleet::record_format::json)
            value = std::string{boost::json::parse(value).at("message").as_string()};
        for (std::size_t from = 0; (from = value.find(' ', from)) != value.npos; ++from) {
            auto first = from;
            while (first > 0 && value[first - 1] >= '0' && value[first - 1] <= '9')
                --first;
            if (first < from) found.insert(std::stoi(value.substr(first, from - first)));
        }
    }
    std::vector<int> missing;
    std::ranges::set_difference(expected, found, std::back_inserter(missing));
    CHECK(missing.empty());
}

}  // namespace
}  // namespace logagent::tail

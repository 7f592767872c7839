#include "logagent/fleet/logconfig.hpp"

#include <boost/json/serialize.hpp>

#include "logagent/base/escape.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using namespace std::string_literals;

namespace {

/// One entry with the given members besides a path and a topic, as an array.
std::string entry(std::string_view members) {
    return R"([{"log_path":"/v/a.log","topic":"t")"s + (members.empty() ? "" : ",") +
           std::string{members} + "}]";
}

/// What is wrong with a document of one entry: "code pointer", or "accepted".
std::string verdict(std::string_view json) {
    const auto out = parse_logconfig(json);
    if (out.errors.empty()) return "accepted";
    CHECK(out.targets.empty() == out.errors[0].refused);
    return out.errors[0].code + " " + out.errors[0].pointer;
}

log_target only_target(std::string_view json) {
    const auto out = parse_logconfig(json);
    for (const auto& error : out.errors)
        UNSCOPED_INFO(error.pointer << " " << error.code << " " << error.text);
    REQUIRE(out.targets.size() == 1);
    return out.targets[0];
}

}  // namespace

TEST_CASE("the article's array is read as it stands", "[logconfig]") {
    const auto out = parse_logconfig(R"(
[
    {
        "service":"test_service",
        "log_path": "/search/nginx/logs/ping-android.shouji.sogou.com_access_log",
        "topic": "nginx_log",
        "send_rate": 1000
    },
    {
        "service":"srv.android.shouji.sogou.com",
        "log_path": "/search/nginx/logs/srv.android.shouji.sogou.com_access_log",
        "topic": "nginx_log",
        "send_rate": 2000
    }
])");
    CHECK_FALSE(out.broken);
    CHECK(out.errors.empty());
    REQUIRE(out.targets.size() == 2);
    CHECK(out.targets[0].service == "test_service");
    CHECK(out.targets[1].log_path == "/search/nginx/logs/srv.android.shouji.sogou.com_access_log");
    CHECK(out.targets[1].topic == "nginx_log");
    CHECK(out.targets[1].send_rate == 2000);
    CHECK(out.targets[1].start == start_at::end);
}

TEST_CASE("an empty array is a wish, an empty value is damage", "[logconfig]") {
    CHECK_FALSE(parse_logconfig("[]").broken);
    CHECK(parse_logconfig("[]").targets.empty());
    for (const auto& text : {""s, " "s, "null"s, "{}"s, "\"[]\""s, "[{]"s, "[] []"s, "[\"\xFF\"]"s,
                             "[{\"log_path\":\"/a\""s, std::string(40, '[') + std::string(40, ']'),
                             "[" + std::string(1'600'000, ' ') + "]"}) {
        INFO(text.substr(0, 40));
        const auto out = parse_logconfig(text);
        CHECK(out.broken);
        CHECK(out.targets.empty());
        CHECK(out.errors.size() == 1);
    }
}

TEST_CASE("a bad entry is refused alone and with everything that is wrong", "[logconfig]") {
    const auto out = parse_logconfig(
        R"([{"log_path":"/a","topic":"t"},
            {"log_path":7,"topic":"sp ace","send_rate":-1,"keep":["("]},
            {"log_path":"/b","topic":"t"}, 5, null])");
    CHECK_FALSE(out.broken);
    REQUIRE(out.targets.size() == 2);
    CHECK(out.targets[1].log_path == "/b");
    CHECK(out.indexes == std::vector<std::size_t>{0, 2});
    std::vector<std::string> told;
    for (const auto& error : out.errors) {
        told.push_back(error.code + " " + error.pointer);
        CHECK(error.refused);
        CHECK_FALSE(error.text.empty());
    }
    CHECK(told == std::vector<std::string>{"type /1/log_path", "range /1/send_rate",
                                           "topic /1/topic", "pattern /1/keep/0", "type /3",
                                           "type /4"});
}

TEST_CASE("every field is checked for its type and its range", "[logconfig]") {
    const std::pair<const char*, const char*> samples[] = {
        {R"("service":5)", "type /0/service"},
        {R"("service":"a\nb")", "service /0/service"},
        {R"("send_rate":"10")", "type /0/send_rate"},
        {R"("send_rate":1.5)", "type /0/send_rate"},
        {R"("send_rate":null)", "type /0/send_rate"},
        {R"("send_rate":1000000001)", "range /0/send_rate"},
        {R"("send_rate":18446744073709551615)", "range /0/send_rate"},
        {R"("send_rate_bytes":-1)", "range /0/send_rate_bytes"},
        {R"("start":"begin")", "choice /0/start"},
        {R"("start":1)", "type /0/start"},
        {R"("exclude":"*.gz")", "type /0/exclude"},
        {R"("exclude":["*.gz",3])", "type /0/exclude/1"},
        {R"("exclude":["[a"])", "glob /0/exclude/0"},
        {R"("exclude":["a/b"])", "glob /0/exclude/0"},
        {R"("ignore_older_s":true)", "type /0/ignore_older_s"},
        {R"("format":"xml")", "choice /0/format"},
        {R"("key":"")", "choice /0/key"},
        {R"("partition":"random")", "choice /0/partition"},
        {R"("skip_blank":"true")", "type /0/skip_blank"},
        {R"("keep":["ok","(?P<"])", "pattern /0/keep/1"},
        {R"("drop":[""])", "pattern /0/drop/0"},
        {R"("mask":[{"match":"x"}])", "missing /0/mask/0/with"},
        {R"("mask":[{"match":"x","with":"\\3"}])", "pattern /0/mask/0"},
        {R"("mask":[{"match":"x*","with":"-"}])", "pattern /0/mask/0"},
        {R"("mask":[{"match":"x","with":"-","whit":""}])", "type /0/mask/0/whit"},
        {R"("mask":["x"])", "type /0/mask/0"},
        {R"("max_line_bytes":255)", "range /0/max_line_bytes"},
        {R"("max_line_bytes":10000001)", "range /0/max_line_bytes"},
        {R"("oversize":"drop")", "choice /0/oversize"},
        {R"("multiline":{"max_lines":5})", "missing /0/multiline/start"},
        {R"("multiline":{"start":"(","max_lines":5})", "pattern /0/multiline/start"},
        {R"("multiline":{"start":"^x","timeout_ms":0})", "range /0/multiline/timeout_ms"},
        {R"("send_rate":1,"send_rate":2)", "duplicate_key /0/send_rate"},
        {R"("send_rate":1e400)", "number /0/send_rate"},
        {R"("send_rate":99999999999999999999)", "number /0/send_rate"},
        {R"("service":"\u0000")", "nul /0/service"},
    };
    for (const auto& [members, expected] : samples) {
        INFO(members);
        CHECK(verdict(entry(members)) == expected);
    }
}

TEST_CASE("an entry that could be understood in two ways does not harm its neighbours",
          "[logconfig]") {
    const auto out = parse_logconfig(
        R"([{"log_path":"/a","topic":"t","topic":"u"},{"log_path":"/b","topic":"t"},
            {"log_path":"/c","topic":"t","later":{"deep":[1,1e999]}},{"log_path":"/d","topic":"t"}])");
    CHECK_FALSE(out.broken);
    CHECK(out.indexes == std::vector<std::size_t>{1, 3});
    REQUIRE(out.errors.size() == 2);
    CHECK(out.errors[0].pointer == "/0/topic");
    CHECK(out.errors[1].pointer == "/2/later/deep/1");
}

TEST_CASE("paths and topics that cannot be meant are refused", "[logconfig]") {
    const auto path_verdict = [](const std::string& path) {
        return verdict(R"([{"topic":"t","log_path":")" + path + "\"}]");
    };
    for (const char* path : {"a.log", "/a/../b", "/..", "/a/./b", "/a/", "/", "~/a"})
        CHECK(path_verdict(path) == "path /0/log_path");
    CHECK(path_verdict("/" + std::string(4095, 'a')) == "path /0/log_path");
    CHECK(path_verdict("/a[z") == "glob /0/log_path");
    CHECK(path_verdict("") == "missing /0/log_path");
    CHECK(path_verdict("/a..b/..c/x*[0-9].log") == "accepted");
    CHECK(verdict(R"([{"topic":"t"}])") == "missing /0/log_path");

    const auto topic_verdict = [](const std::string& topic) {
        return verdict(R"([{"log_path":"/a","topic":")" + topic + "\"}]");
    };
    for (const char* topic : {".", "..", "a b", "a/b", "\xC3\xA4"})
        CHECK(topic_verdict(topic) == "topic /0/topic");
    CHECK(topic_verdict(std::string(250, 'a')) == "topic /0/topic");
    CHECK(topic_verdict(std::string(249, 'a')) == "accepted");
    CHECK(topic_verdict("") == "missing /0/topic");
}

TEST_CASE("newest lines first needs line ends of one byte", "[logconfig]") {
    CHECK(parse_logconfig(entry(R"("overload":"live_first")")).targets.size() == 1);
    const auto out = parse_logconfig(entry(R"("overload":"live_first","charset":"utf-16le")"));
    CHECK(out.targets.empty());
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].code == "conflict");
    CHECK(out.errors[0].pointer == "/0/overload");
}

TEST_CASE("a container format is not UTF-16", "[logconfig]") {
    const auto out = parse_logconfig(entry(R"("decode":"docker","charset":"utf-16be")"));
    CHECK(out.targets.empty());
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].code == "conflict");
    CHECK(out.errors[0].pointer == "/0/charset");
    CHECK(parse_logconfig(entry(R"("decode":"docker","oversize":"split")")).targets.size() == 1);
}

TEST_CASE("an unknown field is a warning with a hint", "[logconfig]") {
    const auto out = parse_logconfig(entry(R"("send_rat":5,"from_the_future":{"a":[1]})"));
    CHECK(out.targets.size() == 1);
    REQUIRE(out.errors.size() == 2);
    CHECK_FALSE(out.errors[0].refused);
    CHECK(out.errors[0].code == "unknown_field");
    CHECK(out.errors[0].pointer == "/0/send_rat");
    CHECK(out.errors[0].text.find("'send_rate'") != std::string::npos);
    CHECK_FALSE(out.errors[1].refused);
}

TEST_CASE("a flood of unknown fields stays a short report", "[logconfig]") {
    std::string members = "\"x0\":0";
    for (int i = 1; i < 5000; ++i)
        members += ",\"x" + std::to_string(i) + "\":0";
    const auto out = parse_logconfig(entry(members));
    CHECK(out.targets.size() == 1);
    CHECK(out.errors.size() == 9);
}

TEST_CASE("the same path and topic twice keeps the first", "[logconfig]") {
    const auto out = parse_logconfig(
        R"([{"log_path":"/a","topic":"t","send_rate":1},{"log_path":"/a","topic":"u"},
            {"log_path":"//a","topic":"t","send_rate":2}])");
    REQUIRE(out.targets.size() == 2);
    CHECK(out.targets[0].send_rate == 1);
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].code == "duplicate");
    CHECK(out.errors[0].pointer == "/2");
}

TEST_CASE("entries after the 200th are refused in one line", "[logconfig]") {
    std::string text = "[";
    for (int i = 0; i < 1000; ++i)
        text += (i ? "," : "") + R"({"topic":"t","log_path":"/)"s + std::to_string(i) + "\"}";
    const auto out = parse_logconfig(text + "]");
    CHECK(out.targets.size() == 200);
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].code == "limit");
    CHECK(out.errors[0].pointer == "/200");
}

TEST_CASE("every default in the table is the default of the target", "[logconfig]") {
    const auto plain = only_target(entry(""));
    for (const auto& row : target_fields()) {
        if (row.default_text.empty()) continue;
        const bool quoted = row.kind == logagent::base::value_kind::choice;
        const auto mark = quoted ? "\""s : ""s;
        const auto member =
            "\""s + std::string{row.name} + "\":" + mark + std::string{row.default_text} + mark;
        INFO(member);
        CHECK(only_target(entry(member)) == plain);
    }
}

TEST_CASE("a target written as JSON reads back as itself", "[logconfig]") {
    const auto full = only_target(entry(
        R"x("service":"s","send_rate":10,"send_rate_bytes":20,"start":"start","exclude":["*.gz"],
           "ignore_older_s":60,"format":"json","key":"id","partition":"spread","skip_blank":false,
           "keep":["a"],"drop":["b"],"mask":[{"match":"c(.)","with":"\\1*"}],
           "max_line_bytes":2000,"oversize":"dead_letter")x"));
    CHECK(only_target(canonical_logconfig({&full, 1})) == full);
    const auto plain = only_target(entry(""));
    CHECK(canonical_logconfig({&plain, 1}) ==
          R"([{"service":"","log_path":"/v/a.log","topic":"t","send_rate":0}])");

    // Choices of later versions are written too, by their names.
    auto later = plain;
    later.charset = charset_kind::utf16be;
    later.decode = decode_kind::docker;
    later.overload = overload_policy::live_first;
    later.multiline = multiline_rule{"^x", 3, 4};
    CHECK(
        boost::json::serialize(to_json(later)) ==
        R"({"service":"","log_path":"/v/a.log","topic":"t","send_rate":0,"overload":"live_first",)"
        R"("decode":"docker","charset":"utf-16be",)"
        R"("multiline":{"start":"^x","max_lines":3,"timeout_ms":4}})");
}

TEST_CASE("exclude compares names or whole paths", "[logconfig]") {
    log_target target;
    target.exclude = {"*.gz", "/var/log/private/**", "**/tmp/*.log"};
    CHECK(excludes(target, "/var/log/a.gz"));
    CHECK(excludes(target, "/var/log/private/x/y.log"));
    CHECK(excludes(target, "/srv/tmp/a.log"));
    CHECK_FALSE(excludes(target, "/var/log/a.log"));
    CHECK_FALSE(excludes(log_target{}, "/var/log/a.gz"));
}

TEST_CASE("a target of the command line is checked like any other", "[logconfig]") {
    log_target target;
    target.log_path = "/var//log/a.log";
    target.topic = "t";
    CHECK(check_target(target).empty());
    CHECK(target.log_path == "/var/log/a.log");
    target.topic = "..";
    target.log_path = "relative\0"s;
    CHECK(check_target(target).size() == 2);
}

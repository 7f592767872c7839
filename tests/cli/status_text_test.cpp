#include "cli/status_text.hpp"

#include <boost/json/parse.hpp>
#include <sstream>

#include "cli/text_table.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

boost::json::value sample() {
    return boost::json::parse(R"({
      "host":"web-17","instance":"i","version":"0.1.0","ips":["10.0.0.1"],
      "started":"2026-01-02T03:04:05Z","state":"degraded",
      "problems":[{"code":"topic","text":"pay: unknown topic","since":"x"}],
      "config":{"source":"etcd","state":"applied","applied":{"revision":42,"hash":"h","at":"x"},
                "failed":null,"errors":[{"key":"/k","pointer":"/1/topic","code":"topic","detail":"bad"}]},
      "kafka":{"state":"up","in_flight_bytes":1536,"requests_per_s":12.34,
               "blocked":[{"topic":"pay","partition":3,"reason":"no leader"}]},
      "ledger":{"acked":1048576,"in_flight":1536,"unread":0,"cut":5,"vanished":7},
      "files":[
        {"path":"/var/log/a.log","topic":"web","state":"tailing","lag_bytes":0,"bytes_per_s":2048.0,
         "lines_per_s":12.6,"send_rate":0,"throttled_seconds":0,"last_error":""},
        {"path":"/var/log/b.log","topic":"web","state":"tailing","lag_bytes":10,"bytes_per_s":0,
         "lines_per_s":0.25,"send_rate":500,"throttled_seconds":75.5,"last_error":null},
        {"path":"/var/log/c.log","topic":"pay","state":"error","lag_bytes":3145728,"bytes_per_s":0,
         "lines_per_s":0,"send_rate":100,"throttled_seconds":7200,"last_error":"cannot be read"}]})");
}

std::size_t longest_line(const std::string& text) {
    std::size_t longest = 0;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        longest = std::max(longest, text_width(line));
    return longest;
}

}  // namespace

TEST_CASE("the status is a header and a table, problems first", "[cli]") {
    CHECK(render_status(sample(), 0) ==
          "host       web-17  logagent 0.1.0  degraded  since 2026-01-02T03:04:05Z\n"
          "config     applied from etcd, revision 42\n"
          "kafka      up, 1.5 KiB in flight, 12 requests/s\n"
          "ledger     1 MiB acked, 1.5 KiB in flight, 0 B unread, 7 B lost, 5 B cut\n"
          "refused    /k /1/topic: bad\n"
          "blocked    pay/3: no leader\n"
          "problem    topic: pay: unknown topic\n"
          "\n"
          "PATH            TOPIC  STATE      LAG     RATE  SENT/LIMIT  THROTTLED  ERROR\n"
          "/var/log/c.log  pay    error    3 MiB    0 B/s       0/100        2 h  cannot be read\n"
          "/var/log/b.log  web    tailing   10 B    0 B/s     0.3/500   1 m 15 s\n"
          "/var/log/a.log  web    tailing    0 B  2 KiB/s        13/-          -\n");
}

TEST_CASE("long paths and errors give way to the width of the terminal", "[cli]") {
    auto document = sample();
    auto& file = document.at("files").at(2).as_object();
    file["path"] = "/srv/" + std::string(200, 'x') + "/payment.log";
    file["topic"] = std::string(100, 't');
    file["last_error"] = std::string(300, 'e');
    const auto text = render_status(document, 120);
    INFO(text);
    CHECK(longest_line(text) <= 120);
    CHECK(text.find("/payment.log") != std::string::npos);
    CHECK(text.find("/srv/") != std::string::npos);
    CHECK(render_status(document, 0).find(std::string(300, 'e')) != std::string::npos);
}

TEST_CASE("the ledger is the sums and the losses", "[cli]") {
    const auto document = boost::json::parse(R"({"host":"web-17",
      "ledger":{"acked":1536,"vanished":7,"lines":{"read":1,"acked":1}},
      "losses":[{"number":1,"at":"2026-01-02T03:04:05.678Z","class":"vanished","path":"/l/a",
                 "topic":"t","generation":"g","begin":10,"end":17,"bytes":7,
                 "reason":"the file is gone"}]})");
    const auto text = render_ledger(document, 0);
    CHECK(text.starts_with("web-17: every byte of its files since the state was made"));
    CHECK(text.find(" 1536  1.5 KiB  acked             acknowledged by Kafka\n") !=
          std::string::npos);
    CHECK(text.ends_with(
        "LAST AT               CLASS     BYTES  PATH  TOPIC  RANGE  REASON\n"
        "2026-01-02T03:04:05Z  vanished      7  /l/a  t      10-17  the file is gone\n"));
    CHECK(render_ledger(boost::json::parse("{}"), 80).ends_with("dead letter topic\n"));
    CHECK(longest_line(render_ledger(document, 80)) <= 90);
}

TEST_CASE("rows that do not fit are counted", "[cli]") {
    const auto text = render_status(sample(), 100, 1);
    CHECK(text.find("c.log") != std::string::npos);
    CHECK(text.find("a.log") == std::string::npos);
    CHECK(text.ends_with("... and 2 more\n"));
}

TEST_CASE("a status of another shape is shown as far as it goes", "[cli]") {
    CHECK(render_status(boost::json::parse("{}"), 80) == "\nno files\n");
    CHECK(render_status(boost::json::parse("[1]"), 80) == "\nno files\n");
    const auto text =
        render_status(boost::json::parse(R"({"host":5,"kafka":[],"ledger":7,"problems":{},
            "files":[3,{"path":"\u001b[2J","lag_bytes":-1,"lines_per_s":"x"}]})"),
                      80);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("host       5\n") == 0);
}

TEST_CASE("text is shortened by characters, not bytes", "[cli]") {
    CHECK(shorten_middle("abcdefghij", 10) == "abcdefghij");
    CHECK(shorten_middle("abcdefghijk", 10) == "ab...ghijk");
    CHECK(shorten_middle("äöüäöüäöüäö", 10) == "äö...äöüäö");
    CHECK(text_width(shorten_middle("äöüäöüäöüäö", 10)) == 10);
    CHECK(shorten_end("äöüäöü", 5) == "äö...");
    CHECK(shorten_end("abc", 2) == "..");
}

}  // namespace logagent::cli

#include "logagent/agent/settings.hpp"

#include <fstream>
#include <sstream>

#include "logagent/base/ini.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "support/test.hpp"

using namespace logagent::agent;
using namespace std::chrono_literals;

namespace {

settings good(std::string_view text, std::vector<std::string> overrides = {}) {
    const auto loaded = load_settings(text, "agent.ini", overrides);
    for (const auto& problem : loaded.problems)
        UNSCOPED_INFO(problem.line());
    REQUIRE(loaded.problems.empty());
    return loaded.settings;
}

/// The one line about the one problem of a text.
std::string complaint(std::string_view text) {
    const auto loaded = load_settings(text, "agent.ini");
    if (loaded.problems.size() != 1) return std::to_string(loaded.problems.size()) + " problems";
    return loaded.problems[0].line();
}

std::string read_source(const std::string& path) {
    std::ifstream file{std::string{LOGAGENT_SOURCE_DIR} + "/" + path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("the article's file loads as it is printed", "[settings]") {
    const auto loaded = load_settings(
        "        etcd_addr = 10.134.123.183:2379         # etcd \xE5\x9C\xB0\xE5\x9D\x80\n"
        "        etcd_timeout = 5                        # connection time-out\n"
        "        etcd_watch_key = /logagent/%s/logconfig    # key pattern\n"
        "\n"
        "        kafka_addr = 10.134.123.183:9092           # broker\n"
        "\n"
        "        thread_num = 4                             # threads\n"
        "        log = ./log/logagent.log                   # the agent's own log\n"
        "        level = debug                              # log level\n",
        "app.cfg");
    CHECK(loaded.problems.empty());
    const auto& out = loaded.settings;
    CHECK(out.etcd_addr == std::vector{endpoint{"10.134.123.183", 2379, false}});
    CHECK(out.etcd_timeout == 5s);
    CHECK(out.etcd_watch_key == "/logagent/%s/logconfig");
    CHECK(out.kafka_addr == std::vector<std::string>{"10.134.123.183:9092"});
    CHECK(out.log == "./log/logagent.log");
    CHECK(out.level == logagent::base::log_level::debug);
    CHECK(loaded.notes ==
          std::vector<std::string>{"thread_num has no effect: the agent has one thread"});
}

TEST_CASE("an empty file gives the documented defaults", "[settings]") {
    const auto out = good("");
    CHECK(out.etcd_addr.empty());
    CHECK(out.etcd_timeout == 5s);
    CHECK(out.etcd_prefix() == "/logagent/");
    CHECK(out.watch_key("10.0.0.1") == "/logagent/10.0.0.1/logconfig");
    CHECK(out.host.empty());
    CHECK(out.ips_from == settings::ips_rule::automatic);
    CHECK(out.state_dir == "/var/lib/logagent");
    CHECK(out.status_on);
    CHECK(out.status_addr == endpoint{"127.0.0.1", 9470, false});
    CHECK(out.allow_paths == std::vector<std::string>{"/var/log", "/var/lib/docker/containers",
                                                      "/search", "/data", "/opt", "/srv",
                                                      "/home/*/logs"});
    CHECK(out.deny_paths == std::vector<std::string>{"/proc", "/sys", "/dev", "/etc", "/run",
                                                     "**/.ssh", "**/*.pem", "**/*.key"});
    CHECK(out.allow_topics == std::vector<std::string>{"*"});
    CHECK_FALSE(out.allow_hardlinks);
    CHECK_FALSE(out.allow_network_fs);
    CHECK(out.max_send_rate_bytes == 0);
    CHECK(out.in_flight_bytes == 16777216);
    CHECK(out.held_deleted_bytes == 1073741824);
    CHECK(out.shutdown_timeout == 10s);
    CHECK(out.read_window == 10ms);
    CHECK(out.log == "-");
    CHECK(out.level == logagent::base::log_level::info);
    CHECK(out.given.empty());
}

TEST_CASE("every default that the reference tells is the one that holds", "[settings]") {
    const auto plain = good("");
    for (const auto& row : setting_rows()) {
        if (row.default_text.empty() || row.name == "thread_num") continue;
        INFO(row.name);
        auto set = good(std::string{row.name} + " = " + std::string{row.default_text});
        CHECK(set.has(row.name));
        set.given.clear();
        CHECK(set.etcd_timeout == plain.etcd_timeout);
        CHECK(set.etcd_watch_key == plain.etcd_watch_key);
        CHECK(set.state_dir == plain.state_dir);
        CHECK(set.status_addr == plain.status_addr);
        CHECK(set.in_flight_bytes == plain.in_flight_bytes);
        CHECK(set.held_deleted_bytes == plain.held_deleted_bytes);
        CHECK(set.max_send_rate_bytes == plain.max_send_rate_bytes);
        CHECK(set.read_window == plain.read_window);
        CHECK(set.shutdown_timeout == plain.shutdown_timeout);
        CHECK(set.ips_from == plain.ips_from);
        CHECK(set.log == plain.log);
        CHECK(set.level == plain.level);
    }
}

TEST_CASE("lists, switches and addresses are read in full", "[settings]") {
    const auto out = good(
        "etcd_addr = https://etcd-1:2379, https://[fd00::1]:2379/\n"
        "etcd_user = agent\netcd_password_file = /run/secrets/etcd\n"
        "etcd_cert = /c.pem\netcd_key = /k.pem\netcd_ca = /ca.pem\n"
        "ips = 10.0.0.1, fd00::2\nhost = web-1.example\nstate_dir = \"/srv/my state\"\n"
        "status_addr = off\nallow_hardlinks = yes\nallow_paths = /\n"
        "allow_topics = nginx_*, payment\nread_window_ms = 0\nlog =\n");
    REQUIRE(out.etcd_addr.size() == 2);
    CHECK(out.etcd_addr[1] == endpoint{"fd00::1", 2379, true});
    CHECK(out.etcd_user == "agent");
    CHECK(out.etcd_password_file == "/run/secrets/etcd");
    CHECK(out.ips_from == settings::ips_rule::listed);
    CHECK(out.ips == std::vector<std::string>{"10.0.0.1", "fd00::2"});
    CHECK(out.host == "web-1.example");
    CHECK(out.state_dir == "/srv/my state");
    CHECK_FALSE(out.status_on);
    CHECK(out.allow_hardlinks);
    CHECK(out.allow_topics == std::vector<std::string>{"nginx_*", "payment"});
    CHECK(out.read_window == 0ms);
    CHECK(out.log == "-");
    CHECK(good("ips = all").ips_from == settings::ips_rule::all);
}

TEST_CASE("properties of the Kafka client are kept with their place", "[settings]") {
    const auto out = good("kafka.security.protocol = SASL_SSL\nkafka.linger.ms = 5\n",
                          {"kafka.linger.ms=50", "KAFKA.acks=all"});
    REQUIRE(out.kafka.size() == 3);
    CHECK(out.kafka.at("security.protocol") == kafka_property{"SASL_SSL", "agent.ini:1"});
    CHECK(out.kafka.at("linger.ms") == kafka_property{"50", "--set"});
    CHECK(out.kafka.at("acks").value == "all");
}

TEST_CASE("an override wins over the file and is judged like it", "[settings]") {
    const auto out = good("level = debug\nips = 10.0.0.1\n", {"level=error", "ips = auto"});
    CHECK(out.level == logagent::base::log_level::error);
    CHECK(out.ips_from == settings::ips_rule::automatic);
    CHECK(out.ips.empty());
    const std::vector<std::string> bad{"level=loud", "level", "a=1\nb=2", "=x"};
    const auto loaded = load_settings("", "agent.ini", bad);
    REQUIRE(loaded.problems.size() == 4);
    CHECK(loaded.problems[0].line() ==
          "--set: level: 'loud': allowed: trace, debug, info, warn, error");
    for (const auto& problem : loaded.problems)
        CHECK(problem.where == "--set");
}

TEST_CASE("a complaint names file, line, key, value and what is allowed", "[settings]") {
    CHECK(complaint("\nlevel = verbose") ==
          "agent.ini:2: level: 'verbose': allowed: trace, debug, info, warn, error");
    CHECK(complaint("etcd_timeout = 0") ==
          "agent.ini:1: etcd_timeout: '0': out of range; allowed: 1 to 3600 s");
    CHECK(complaint("etcd_timeout = 5s") ==
          "agent.ini:1: etcd_timeout: '5s': not a whole number; allowed: 1 to 3600 s");
    CHECK(complaint("etcd_adr = a:1") ==
          "agent.ini:1: etcd_adr: there is no such key; did you mean etcd_addr?");
    CHECK(complaint("host = a b") ==
          "agent.ini:1: host: 'a b': allowed: 1 to 253 of a-z A-Z 0-9 . _ -");
    CHECK(complaint("[agent]") == "agent.ini:1: agent.ini has no sections, but [agent] begins one");
    CHECK(complaint("level = info\nlevel = warn") ==
          "agent.ini:2: 'level' is already set in line 1");
    CHECK(complaint("level = \x1b[31m") ==
          "agent.ini:1: level: '\\x1b[31m': allowed: trace, debug, info, warn, error");
}

TEST_CASE("each value that cannot work is refused", "[settings]") {
    for (const char* text : {"etcd_addr = etcd",
                             "etcd_addr = etcd:0",
                             "etcd_addr = etcd:65536",
                             "etcd_addr = ftp://etcd:1",
                             "etcd_addr = [::g]:1",
                             "etcd_addr = :2379",
                             "etcd_addr = https://a:1, b:2",
                             "etcd_watch_key = /logagent/logconfig",
                             "etcd_watch_key = /%s/%s",
                             "etcd_watch_key = /%s/%d",
                             "etcd_watch_key = %s/x",
                             "etcd_watch_key = /logagent-%s",
                             "etcd_ca = ca.pem",
                             "kafka_addr = broker",
                             "kafka_addr = ssl://b:1",
                             "ips = auto, 10.0.0.1",
                             "ips = 10.0.0",
                             "ips =",
                             "state_dir = var",
                             "status_addr = 9470",
                             "status_addr = on",
                             "allow_paths = var/log",
                             "allow_paths = /a[",
                             "deny_paths = *.pem",
                             "allow_topics = a[",
                             "allow_hardlinks = 2",
                             "max_send_rate_bytes = -1",
                             "in_flight_bytes = 1000",
                             "in_flight_bytes = 16 MiB",
                             "shutdown_timeout = 3601",
                             "etcd_user = u",
                             "etcd_cert = /c.pem",
                             "etcd_key = /k.pem"}) {
        INFO(text);
        const auto line = complaint(text);
        CHECK(line.find("problems") == std::string::npos);
        CHECK_FALSE(line.empty());
    }
}

TEST_CASE("all problems are told at once and good keys still count", "[settings]") {
    const auto loaded =
        load_settings("level = x\nnonsense\nhost = web\nkafka_adr = a:1\netcd_timeout = 0\n", "f");
    CHECK(loaded.problems.size() == 4);
    CHECK(loaded.settings.host == "web");
}

TEST_CASE("what is missing depends on what the agent is asked to do", "[settings]") {
    const auto out = good("");
    CHECK(missing_settings(out, "f", false, false).empty());
    CHECK(missing_settings(out, "f", true, true).size() == 2);
    CHECK(missing_settings(out, "f", true, false)[0].line() ==
          "f: etcd_addr: is missing; allowed: host:port, several with commas");
    CHECK(missing_settings(good("etcd_addr = a:1\nkafka_addr = b:2"), "f", true, true).empty());
}

TEST_CASE("opening every path is said aloud", "[settings]") {
    CHECK(load_settings("allow_paths = /var/log, /", "f").notes.size() == 1);
    CHECK(load_settings("allow_paths = /var/log", "f").notes.empty());
}

TEST_CASE("no message about a secret shows it", "[settings]") {
    const auto loaded = load_settings(
        "kafka.sasl.password hunter2\netcd_password = hunter2\nkafka.sasl.password = \"hunter2\n",
        "f");
    CHECK(loaded.problems.size() == 3);
    for (const auto& problem : loaded.problems)
        CHECK(problem.line().find("hunter2") == std::string::npos);
}

TEST_CASE("the example file loads, and names every key with its default", "[settings]") {
    const auto text = read_source("examples/agent.ini");
    const auto out = good(text);
    CHECK(out.given.size() == 2);

    // The two keys that are needed have no default.
    for (const auto& row : setting_rows()) {
        if (row.name.starts_with("kafka.")) continue;
        INFO(row.name);
        const auto name = std::string{row.name} + " =";
        auto at = text.find("\n" + name);
        if (at == text.npos) at = text.find("\n# " + name);
        REQUIRE(at != text.npos);
        const auto begin = text.find(name, at);
        const auto line = text.substr(begin, text.find('\n', begin) - begin);
        const auto parsed = logagent::base::parse_ini(line);
        REQUIRE(parsed.entries.size() == 1);
        if (row.name != "etcd_addr" && row.name != "kafka_addr")
            CHECK(parsed.entries[0].value == row.default_text);
    }
}

TEST_CASE("the example of a logconfig is accepted as a whole", "[settings]") {
    const auto out = logagent::fleet::parse_logconfig(read_source("examples/logconfig.json"));
    CHECK(out.errors.empty());
    CHECK(out.targets.size() == 3);
}

#include "cli/agent_flags.hpp"

#include "os/temporary_directory.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

using texts = std::vector<std::string>;

surroundings here() {
    return {"/work/dir", "/xdg", "/home/me", "/no/such/agent.ini"};
}

agent::agent_options read(const texts& words, const surroundings& around = here()) {
    return read_agent_options(parse_flags(agent_flags(), words).arguments, around);
}

texts complaints(const texts& words, const surroundings& around = here()) {
    try {
        read(words, around);
    } catch (const usage_error& error) {
        return error.lines();
    }
    return {};
}

}  // namespace

TEST_CASE("flags hold for the --file before them, or for all before the first", "[cli]") {
    const auto options =
        read({"--topic", "all",     "--rate", "7",         "--file",  "a.log",  "--file",
              "/b.log",  "--topic", "b",      "--service", "web",     "--rate", "500",
              "--start", "start",   "--file", "../c.log",  "--kafka", "k:1"});
    CHECK(options.files == std::vector<agent::local_file>{
                               {"/work/dir/a.log", "all", "local", 7, fleet::start_at::end},
                               {"/b.log", "b", "web", 500, fleet::start_at::start},
                               {"/work/c.log", "all", "local", 7, fleet::start_at::end}});
    CHECK(options.settings.kafka_addr == texts{"k:1"});
    CHECK_FALSE(options.once);
    CHECK_FALSE(options.to_stdout);
}

TEST_CASE("a local try needs neither a configuration nor etcd, and keeps its own state", "[cli]") {
    CHECK(read({"--file", "a", "--topic", "t", "--kafka", "k:1"}).settings.state_dir ==
          "/xdg/logagent");
    auto around = here();
    around.xdg_state_home.clear();
    CHECK(read({"--file", "a", "--output", "-"}, around).settings.state_dir ==
          "/home/me/.local/state/logagent");
    around.home.clear();
    CHECK(complaints({"--file", "a", "--output", "-"}, around) ==
          texts{"state_dir: neither XDG_STATE_HOME nor HOME is set; give --set state_dir=PATH"});
    CHECK(read({"--file", "a", "--output", "-", "--set", "state_dir=/s"}, around)
              .settings.state_dir == "/s");
}

TEST_CASE("the status server is off for a try, unless it is asked for", "[cli]") {
    const texts file{"--file", "a", "--topic", "t", "--kafka", "k:1"};
    const auto with = [&](texts more) {
        more.insert(more.begin(), file.begin(), file.end());
        return read(more).settings.status_on;
    };
    CHECK(with({}));
    CHECK_FALSE(with({"--once"}));
    CHECK_FALSE(with({"--output", "-"}));
    CHECK(with({"--once", "--set", "status_addr=127.0.0.1:1"}));
}

TEST_CASE("standard output needs no topic and no Kafka", "[cli]") {
    const auto options = read({"--file", "a", "--output", "-", "--once"});
    CHECK(options.to_stdout);
    CHECK(options.once);
    CHECK(options.files.at(0).topic == "stdout");
    CHECK(complaints({"--file", "a", "--output", "x"}) ==
          texts{"--output: 'x' cannot be used; allowed: - for standard output"});
}

TEST_CASE("the file is read, --kafka wins over it and --set over both", "[cli]") {
    test::temporary_directory scratch;
    const auto ini = scratch.file("agent.ini",
                                  "etcd_addr = e:2379\nkafka_addr = file:1\nstate_dir = /s\n"
                                  "thread_num = 4\n");
    const auto options = read({"-c", ini});
    CHECK(options.settings.kafka_addr == texts{"file:1"});
    CHECK(options.settings.state_dir == "/s");
    CHECK(options.notes.size() == 1);
    const auto overridden = read({"-c", ini, "--kafka", "flag:1"});
    CHECK(overridden.settings.kafka_addr == texts{"flag:1"});
    CHECK(overridden.kafka.brokers == "flag:1");
    CHECK(read({"-c", ini, "--set", "kafka_addr=set:1", "--kafka", "flag:1"}).settings.kafka_addr ==
          texts{"set:1"});
    CHECK(read({"-c", ini, "--file", "a", "--topic", "t"}).settings.state_dir == "/s");
}

TEST_CASE("without targets of its own the agent reads its usual configuration", "[cli]") {
    test::temporary_directory scratch;
    auto around = here();
    around.config_file = scratch.file("agent.ini", "etcd_addr = e:1\nkafka_addr = k:1\n");
    CHECK(read({}, around).settings.kafka_addr == texts{"k:1"});
    CHECK(complaints({}) ==
          texts{"/no/such/agent.ini: cannot be opened: No such file or directory (ENOENT)"});
}

TEST_CASE("everything wrong with a configuration is said at once, with its line", "[cli]") {
    test::temporary_directory scratch;
    const auto ini = scratch.file("agent.ini",
                                  "levle = info\nlevel = loud\nkafka.bootstrap.servers = x\n"
                                  "kafka.sasl.password = hunter2\nkafka.nonsense = hunter3\n");
    const auto said = complaints({"-c", ini});
    REQUIRE(said.size() >= 4);
    CHECK(said[0] == ini + ":1: levle: there is no such key; did you mean level?");
    CHECK(said[1] == ini + ":2: level: 'loud': allowed: trace, debug, info, warn, error");
    std::string all;
    for (const auto& line : said)
        all += line + "\n";
    CHECK(all.find(ini + ":3: kafka.bootstrap.servers: ") != std::string::npos);
    CHECK(all.find(ini + ":5: kafka.nonsense: ") != std::string::npos);
    CHECK(all.find("hunter3") == std::string::npos);
}

TEST_CASE("what the agent cannot do without is named", "[cli]") {
    test::temporary_directory scratch;
    const auto ini = scratch.file("agent.ini", "level = info\n");
    CHECK(complaints({"-c", ini}) ==
          texts{ini + ": etcd_addr: is missing; allowed: host:port, several with commas",
                ini + ": kafka_addr: is missing; allowed: host:port, several with commas"});
    CHECK(complaints({"--file", "a", "--topic", "t"}) ==
          texts{"kafka_addr: is missing; give --kafka HOST:PORT, -c FILE or --output -"});
    CHECK(complaints({"--file", "/a", "--kafka", "k:1"}) ==
          texts{"--file /a: needs a topic; give --topic behind it, or before all of them"});
}

TEST_CASE("values of flags are refused by the flag's name", "[cli]") {
    const auto with = [](texts more) {
        texts all{"--file", "/a", "--topic", "t", "--kafka", "k:1"};
        all.insert(all.end(), more.begin(), more.end());
        return complaints(all);
    };
    CHECK(with({"--rate", "x"}) ==
          texts{"--rate: 'x' is not a whole number; allowed: 0 to 1000000000 lines a second, 0 = "
                "no limit"});
    CHECK(with({"--start", "middle"}) ==
          texts{"--start: 'middle' cannot be used; allowed: start, end"});
    CHECK(with({"--topic", "a/b"}) ==
          texts{"--file /a: a topic is 1 to 249 of a-z A-Z 0-9 . _ - and not '.' or '..'"});
    CHECK(with({"--logconfig", "/no/such"}) ==
          texts{"--logconfig: /no/such: cannot be opened: No such file or directory (ENOENT)"});
    CHECK(with({"--kafka", "no port:x"}).at(0).starts_with("--kafka: kafka_addr: "));
    CHECK(complaints({"--rate", "5", "--kafka", "k:1"}) == texts{"--rate: needs a --file"});
}

}  // namespace logagent::cli

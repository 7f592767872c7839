#include "cli/transfer_options.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "cli/configuration.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/ini.hpp"
#include "logagent/http/client.hpp"

namespace logagent::cli {

namespace {

constexpr std::size_t most_ini_bytes = 4 << 20;

constexpr flag flags[] = {
    {.names = "-c,--config",
     .value = "FILE",
     .help = "The configuration (/etc/logagent/transfer.ini). With --topic nothing is read unless "
             "-c names it."},
    {.names = "--topic",
     .value = "TOPICS",
     .help = "Run one route: names with commas, or ~ and a regular expression. Its group is "
             "logagent.<topic>.<type of the sink>."},
    {.names = "--sink-url",
     .value = "URL",
     .help = "Where --topic goes: http://HOST:PORT (Elasticsearch, OpenSearch), "
             "webhdfs://HOST:PORT/ROOT, drpc://HOST:PORT/FUNCTION (Storm), "
             "kafka://HOST:PORT/TOPIC, file:///PATH."},
    {.names = "--stdout", .help = "Print the documents of --topic, one a line."},
    {.names = "--dead-letters",
     .value = "TOPIC",
     .help = "Look at what sinks refused of this topic: with --list print it, with --retry offer "
             "it to the sinks of its routes again and end. What was retried once is not again."},
    {.names = "--list", .help = "Print the dead letters of --dead-letters, one a line."},
    {.names = "--retry", .help = "Offer the dead letters of --dead-letters again."},
    {.names = "--kafka",
     .value = "ADDR",
     .help = "Brokers, host:port with commas; wins over kafka_addr."},
    {.names = "--set",
     .value = "KEY=VALUE",
     .help = "Any key of the configuration, route.NAME.KEY or sink.NAME.KEY; wins over the file. "
             "With --topic also a key of its route or sink. May be given several times."},
};

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& part : parts)
        out += (out.empty() ? "" : ",") + part;
    return out;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

/// A name for the route of `topic`, which is also that of its group.
std::string route_name(const std::string& topic, const std::string& type) {
    auto name = lower(topic.substr(0, 50));
    for (char& c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_')) c = '-';
    return name + "." + type;
}

struct url_kind {
    std::string_view scheme;
    std::string_view type;
    std::string_view server;  // of a url, or empty = addresses of Kafka, or a path
    std::string_view path;    // the key of the route that the path is for
};

constexpr url_kind url_kinds[] = {
    {"http://", "elasticsearch", "http://", ""},
    {"https://", "elasticsearch", "https://", ""},
    {"webhdfs://", "hdfs", "http://", "root"},
    {"swebhdfs://", "hdfs", "https://", "root"},
    {"drpc://", "storm", "http://", "function"},
    {"kafka://", "kafka", "", "topic"},
    {"file://", "file", "", ""},
};

/// "key=value" of --topic that is not of the general part is of its route or its sink.
std::string placed(const std::string& text, const std::string& route) {
    const auto key = lower(text.substr(0, text.find('=')));
    if (base::find_row(transfer::general_rows(), key) || key.starts_with("route.") ||
        key.starts_with("sink.") || key.starts_with("kafka."))
        return text;
    if (base::find_row(transfer::route_rows(), key)) return "route." + route + "." + text;
    if (base::find_row(transfer::sink_rows(), key)) return "sink.main." + text;
    return text;
}

/// What kafka.<property> may not be, here or in a sink.
kafka::settings check_kafka(const std::vector<std::string>& brokers,
                            const std::map<std::string, base::written_setting>& given,
                            std::vector<base::setting_problem>& problems) {
    std::map<std::string, std::string> values;
    for (const auto& [name, written] : given)
        values.emplace(name, written.value);
    auto read = kafka::read_settings(joined(brokers), values, http::default_ca_file());
    for (const auto& error : read.errors) {
        if (error.key == "kafka_addr" && brokers.empty()) continue;
        const auto property = given.find(error.key.substr(error.key.find('.') + 1));
        problems.push_back({property == given.end() ? std::string{} : property->second.where,
                            base::visible(error.key, 80),
                            "'" + base::visible(error.value, 80) + "' " +
                                base::visible(error.reason, 200) + "; allowed: " + error.allowed});
    }
    return std::move(read.value);
}

std::string own_state_directory() {
    const char* const state = std::getenv("XDG_STATE_HOME");
    if (state && *state == '/') return std::string{state} + "/logagent/transfer";
    const char* const home = std::getenv("HOME");
    return std::string{home && *home == '/' ? home : "/tmp"} + "/.local/state/logagent/transfer";
}

}  // namespace

std::span<const flag> transfer_flags() {
    return flags;
}

std::vector<std::string> one_route(const std::string& topic, const std::string& sink_url) {
    const auto url = sink_url.empty() ? std::string{"stdout"} : sink_url;
    std::vector<std::string> out;
    const auto add = [&](const std::string& name, std::string_view type) {
        out.push_back("sink.main.type=" + std::string{type});
        out.push_back("route." + name + ".topics=" + topic);
        out.push_back("route." + name + ".sink=main");
    };
    if (sink_url.empty()) {
        add(route_name(topic, "stdout"), "stdout");
        return out;
    }
    const auto found =
        std::find_if(std::begin(url_kinds), std::end(url_kinds),
                     [&](const url_kind& one) { return url.starts_with(one.scheme); });
    if (found == std::end(url_kinds)) throw bad_value(find_flag(flags, "--sink-url"), url);
    const auto name = route_name(topic, std::string{found->type});
    add(name, found->type);
    const auto rest = url.substr(found->scheme.size());
    const auto slash = rest.find('/');
    const auto authority = rest.substr(0, slash);
    const auto path = slash == rest.npos ? std::string{} : rest.substr(slash);
    if (found->type == "file") {
        out.push_back("sink.main.path=" + rest);
        return out;
    }
    if (found->type == "kafka") {
        out.push_back("sink.main.kafka_addr=" + authority);
    } else {
        std::string servers;
        for (const auto& one : base::split_list(authority))
            servers += (servers.empty() ? "" : ",") + std::string{found->server} + one;
        out.push_back("sink.main.url=" + servers);
    }
    if (found->path.empty() && path.size() > 1)
        throw bad_value(find_flag(flags, "--sink-url"), url, "has a path, which has no meaning");
    if (!found->path.empty() && path.size() > 1)
        out.push_back("route." + name + "." + std::string{found->path} + "=" +
                      (found->path == "root" ? path : path.substr(1)));
    return out;
}

bool is_transfer_file(std::string_view text) {
    const auto document = base::parse_ini(text);
    return std::any_of(document.sections.begin(), document.sections.end(), [](const auto& one) {
        return one.name.starts_with("sink.") || one.name.starts_with("route.");
    });
}

checked_transfer check_transfer(const std::string& text, const std::string& file,
                                std::span<const std::string> overrides) {
    checked_transfer out;
    out.loaded = transfer::load_settings(text, file, overrides);
    auto& settings = out.loaded.settings;
    out.kafka = check_kafka(settings.kafka_addr, settings.kafka, out.loaded.problems);
    for (const auto& sink : settings.sinks) {
        if (sink.kafka_addr.empty()) continue;
        std::map<std::string, base::written_setting> given;
        for (const auto& [name, value] : sink.kafka)
            given[name] = {"[sink." + sink.name + "]", name, value};
        std::vector<base::setting_problem> problems;
        check_kafka(sink.kafka_addr, given, problems);
        if (!problems.empty())
            out.loaded.refused.push_back({"sink." + sink.name, std::move(problems)});
    }
    return out;
}

namespace {

/// Each route of the topic, made to read its dead letters.
void retry_letters(transfer::settings& of, const std::string& topic) {
    std::vector<transfer::route_settings> retries;
    for (auto& route : of.routes) {
        const bool reads =
            route.pattern.empty()
                ? std::find(route.topics.begin(), route.topics.end(), topic) != route.topics.end()
                : transfer::topic_matches(route.pattern, topic);
        if (!reads) continue;
        route.letters_of = route.name;
        route.name += ".retry";
        route.topics = {topic + ".dead"};
        route.pattern.clear();
        route.from = {};
        route.dedupe_records = 0;
        route.dead_letter_percent = 100;
        retries.push_back(std::move(route));
    }
    if (retries.empty())
        throw usage_error{"--dead-letters: no route of the configuration reads topic " +
                          base::visible(topic, 80)};
    of.routes = std::move(retries);
    of.etcd_addr.clear();
    of.status_addr = "off";
}

}  // namespace

transfer::transfer_options read_transfer_options(const arguments& given) {
    const auto* const topic = given.last("--topic");
    if (!topic && (given.has("--stdout") || given.has("--sink-url")))
        throw usage_error{"--stdout and --sink-url need --topic"};
    if (topic && given.has("--stdout") == given.has("--sink-url"))
        throw usage_error{"--topic needs --sink-url or --stdout, and not both"};
    const bool listing = given.has("--list");
    const bool alone = topic || (listing && given.has("--kafka"));
    const auto file = given.value_or("--config", alone ? "" : default_transfer_file);
    std::string text;
    if (!file.empty()) {
        auto read = read_file(file, most_ini_bytes);
        if (!read) throw usage_error{read.error().text};
        text = *std::move(read);
    }
    std::vector<std::string> overrides;
    std::string name;
    if (topic) {
        overrides.push_back("status_addr=off");
        overrides.push_back("state_dir=" + own_state_directory());
        const auto url = given.value_or("--sink-url", "");
        auto route = one_route(*topic, url);
        name = route[1].substr(6, route[1].find(".topics=") - 6);
        std::move(route.begin(), route.end(), std::back_inserter(overrides));
    }
    if (const auto* brokers = given.last("--kafka")) overrides.push_back("kafka_addr=" + *brokers);
    for (const auto& one : given.all("--set"))
        overrides.push_back(topic ? placed(one, name) : one);

    auto checked = check_transfer(text, file, overrides);
    std::vector<std::string> wrong;
    for (auto& problem : checked.loaded.problems) {
        if (problem.where == "--set" && problem.key == "kafka_addr" && given.has("--kafka"))
            problem.where = "--kafka";
        wrong.push_back(problem.line());
    }
    if (!wrong.empty()) throw usage_error{std::move(wrong)};
    const auto& settings = checked.loaded.settings;
    if (settings.routes.empty() && settings.etcd_addr.empty() && !listing) {
        for (const auto& one : checked.loaded.refused)
            for (const auto& problem : one.problems)
                wrong.push_back(one.name + ": " + problem.line());
        wrong.push_back(
            "there is no route that could run; add [route.NAME] with topics and sink, "
            "or say --topic and --sink-url");
        throw usage_error{std::move(wrong)};
    }
    transfer::transfer_options out;
    out.settings = std::move(checked.loaded.settings);
    out.kafka = std::move(checked.kafka);
    out.refused = std::move(checked.loaded.refused);
    if (const auto* letters = given.last("--dead-letters"); letters && given.has("--retry")) {
        retry_letters(out.settings, *letters);
        out.to_its_end = true;
        out.keeps_state = false;  // it may belong to the process that runs
        return out;
    }
    out.keeps_state = !topic || given.has("--config");
    return out;
}

}  // namespace logagent::cli

#include "cli/agent_flags.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/configuration.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/fleet/logconfig.hpp"

namespace logagent::cli {

namespace {

constexpr std::uint64_t most_rate = 1'000'000'000;

constexpr flag flags[] = {
    {.names = "-c,--config",
     .value = "FILE",
     .help = "The configuration (/etc/logagent/agent.ini). With --file or --logconfig nothing is "
             "read unless -c names it."},
    {.names = "--file",
     .value = "PATH",
     .help = "Collect this file, or what this glob reaches, without asking etcd. May be given "
             "several times."},
    {.names = "--topic",
     .value = "T",
     .help = "Where the lines of the --file before it go; before the first --file: of all that "
             "have none of their own. Not needed with --output -.",
     .allowed = "1 to 249 of a-z A-Z 0-9 . _ -"},
    {.names = "--service",
     .value = "S",
     .help = "Name of the service in the records (local); stands like --topic."},
    {.names = "--rate",
     .value = "N",
     .help = "Lines a second at most, 0 = no limit (0); stands like --topic.",
     .allowed = "0 to 1000000000 lines a second, 0 = no limit"},
    {.names = "--start",
     .value = "WHERE",
     .help = "Where to begin in a file that is not known yet, start or end (end); stands like "
             "--topic.",
     .allowed = "start, end"},
    {.names = "--logconfig",
     .value = "FILE",
     .help = "Take the targets from this JSON array instead of etcd; changes are applied."},
    {.names = "--kafka",
     .value = "ADDR",
     .help = "Brokers, host:port with commas; wins over kafka_addr."},
    {.names = "--output",
     .value = "-",
     .help = "Print records instead of sending them: key, tab, value, one a line. Positions are "
             "kept in memory unless state_dir is set.",
     .allowed = "- for standard output"},
    {.names = "--once", .help = "Read to the end, wait until everything is acknowledged, end."},
    {.names = "--set",
     .value = "KEY=VALUE",
     .help = "Any key of the configuration; wins over the file. May be given several times."},
};

const flag& row(std::string_view name) {
    return find_flag(flags, name);
}

/// Applies one of --topic, --service, --rate, --start.
void apply(agent::local_file& to, const argument& one) {
    if (one.name == "--topic") to.topic = one.value;
    if (one.name == "--service") to.service = one.value;
    if (one.name == "--rate") to.rate = read_number(row("--rate"), one.value, 0, most_rate);
    if (one.name == "--start") {
        if (one.value != "start" && one.value != "end") throw bad_value(row("--start"), one.value);
        to.start = one.value == "start" ? fleet::start_at::start : fleet::start_at::end;
    }
}

std::string absolute_path(const std::string& path, const surroundings& around) {
    if (path.empty()) throw bad_value(row("--file"), path);
    return (std::filesystem::path{around.working_directory} / path).lexically_normal().string();
}

/// Groups the flags: what stands before the first --file is the default of all.
std::vector<agent::local_file> read_files(const arguments& given, const surroundings& around) {
    agent::local_file defaults;
    defaults.service = "local";
    if (given.has("--output")) defaults.topic = "stdout";
    std::vector<agent::local_file> out;
    std::string misplaced;
    for (const auto& one : given) {
        if (one.name == "--file") {
            out.push_back(defaults);
            out.back().path = absolute_path(one.value, around);
        } else {
            apply(out.empty() ? defaults : out.back(), one);
            if (one.name == "--topic" || one.name == "--service" || one.name == "--rate" ||
                one.name == "--start")
                misplaced = one.name;
        }
    }
    if (out.empty() && !misplaced.empty()) throw usage_error{misplaced + ": needs a --file"};
    return out;
}

void check_files(const std::vector<agent::local_file>& files, std::vector<std::string>& wrong) {
    for (const auto& file : files) {
        const auto name = "--file " + base::visible(file.path, 300) + ": ";
        if (file.topic.empty()) {
            wrong.push_back(name + "needs a topic; give --topic behind it, or before all of them");
            continue;
        }
        fleet::log_target target;
        target.service = file.service;
        target.log_path = file.path;
        target.topic = file.topic;
        for (const auto& error : fleet::check_target(target))
            wrong.push_back(name + error.text);
    }
}

/// What the flags imply where the configuration says nothing.
void apply_implied(agent::agent_options& to, bool local, const surroundings& around) {
    auto& settings = to.settings;
    if (local && !settings.has("state_dir")) settings.state_dir = local_state_directory(around);
    if ((to.to_stdout || to.once) && !settings.has("status_addr")) settings.status_on = false;
}

/// --kafka as the override it is; --set stands behind it and wins.
std::vector<std::string> read_overrides(const arguments& given) {
    std::vector<std::string> out;
    if (const auto* brokers = given.last("--kafka")) out.push_back("kafka_addr=" + *brokers);
    for (auto& one : given.all("--set"))
        out.push_back(std::move(one));
    return out;
}

/// Says what the user wrote, not what was made of it.
void name_source(agent::settings_problem& problem, const arguments& given,
                 const std::string& config_file) {
    if (problem.key != "kafka_addr") return;
    if (problem.where == "--set" && given.has("--kafka")) problem.where = "--kafka";
    if (config_file.empty() && problem.text.starts_with("is missing"))
        problem = {"", "kafka_addr", "is missing; give --kafka HOST:PORT, -c FILE or --output -"};
}

void check_choices(const arguments& given, const agent::agent_options& options) {
    if (const auto* output = given.last("--output"); output && *output != "-")
        throw bad_value(row("--output"), *output);
    if (!given.has("--logconfig")) return;
    const auto read = read_file(options.logconfig, most_logconfig_bytes);
    if (!read) throw usage_error{"--logconfig: " + read.error().text};
}

}  // namespace

surroundings real_surroundings() {
    const auto variable = [](const char* name) -> std::string {
        const char* value = std::getenv(name);
        return value ? value : "";
    };
    return {std::filesystem::current_path().string(), variable("XDG_STATE_HOME"), variable("HOME"),
            default_config_file};
}

std::string local_state_directory(const surroundings& around) {
    if (!around.xdg_state_home.empty()) return around.xdg_state_home + "/logagent";
    if (!around.home.empty()) return around.home + "/.local/state/logagent";
    throw usage_error{
        "state_dir: neither XDG_STATE_HOME nor HOME is set; give --set state_dir=PATH"};
}

std::span<const flag> agent_flags() {
    return flags;
}

agent::agent_options read_agent_options(const arguments& given, const surroundings& around) {
    agent::agent_options out;
    out.files = read_files(given, around);
    out.logconfig = given.value_or("--logconfig", "");
    out.to_stdout = given.has("--output");
    out.once = given.has("--once");
    check_choices(given, out);

    const bool local = !out.files.empty() || given.has("--logconfig");
    const auto config_file = given.value_or("--config", local ? "" : around.config_file);
    out.config_file = config_file.empty() ? "" : absolute_path(config_file, around);
    out.overrides = read_overrides(given);
    auto configured = read_configuration(config_file, out.overrides);
    out.settings = std::move(configured.settings);
    out.kafka = std::move(configured.kafka);
    out.notes = std::move(configured.notes);

    auto problems = std::move(configured.problems);
    if (problems.empty())
        problems = agent::missing_settings(out.settings, configured.where, !local, !out.to_stdout);
    std::vector<std::string> wrong;
    for (auto& problem : problems) {
        name_source(problem, given, config_file);
        wrong.push_back(problem.line());
    }
    check_files(out.files, wrong);
    if (!wrong.empty()) throw usage_error{std::move(wrong)};
    apply_implied(out, local, around);
    return out;
}

}  // namespace logagent::cli

#include <algorithm>
#include <ostream>
#include <set>

#include "cli/check_report.hpp"
#include "cli/commands.hpp"
#include "cli/configuration.hpp"
#include "cli/topic_question.hpp"
#include "cli/transfer_options.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/posix_disk.hpp"

namespace logagent::cli {

namespace {

constexpr std::chrono::seconds kafka_patience{5};

constexpr flag flags[] = {
    {.names = "-c,--config",
     .value = "FILE",
     .help = "The configuration of the agent (/etc/logagent/agent.ini; with --logconfig alone "
             "none), or a transfer.ini, which is known by its sections."},
    {.names = "--logconfig",
     .value = "FILE",
     .help = "A JSON array of targets, as it stands in etcd. With -c its allow_paths and "
             "allow_topics hold; without, only deny_paths."},
    {.names = "--set",
     .value = "KEY=VALUE",
     .help = "Any key of the configuration; wins over the file. May be given several times."},
    {.names = "--json", .help = "Print one JSON object."},
    {.names = "--reference", .help = "Print the reference of all keys and fields, and end."},
};

fleet::parsed_logconfig read_targets(const std::string& path, check_report& report) {
    const auto text = read_file(path, most_logconfig_bytes);
    if (!text) {
        report.error("", "", "read", text.error().text);
        return {};
    }
    auto parsed = fleet::parse_logconfig(*text);
    for (const auto& error : parsed.errors) {
        report.findings.push_back(
            {error.refused ? finding::severity::error : finding::severity::warning, path,
             error.pointer, error.code, error.text});
    }
    return parsed;
}

/// What the local file forbids as a whole. Single files are refused when they are looked at.
void check_policy(const fleet::parsed_logconfig& parsed, const agent::settings& settings,
                  const os::disk& disk, const std::string& where, check_report& report) {
    const auto& topics = settings.allow_topics;
    for (std::size_t i = 0; i < parsed.targets.size(); ++i) {
        const auto& target = parsed.targets[i];
        const auto entry = "/" + std::to_string(parsed.indexes[i]);
        const auto covers = [&](const std::string& glob) {
            return base::glob_matches(glob, target.topic);
        };
        if (std::none_of(topics.begin(), topics.end(), covers))
            report.error(where, entry + "/topic", "topic",
                         target.topic + ": allow_topics does not cover it");
        const auto below = target.is_glob() ? base::glob_directory(target.log_path)
                                            : std::string_view{target.log_path};
        if (!disk.allowed(below, target.trusted))
            report.error(
                where, entry + "/log_path", "path",
                target.log_path + ": allow_paths and deny_paths let nothing of it be read");
    }
}

void check_topics(const std::vector<fleet::log_target>& targets, const configuration& configured,
                  check_report& report) {
    std::set<std::string> topics;
    for (const auto& target : targets)
        topics.insert(target.topic);
    if (topics.empty() || configured.settings.kafka_addr.empty()) return;
    auto answers =
        ask_about_topics(configured.kafka, {topics.begin(), topics.end()}, kafka_patience);
    if (!answers.failure.empty())
        report.warn("kafka", "unreachable",
                    configured.kafka.brokers +
                        " did not answer within 5 s, so the topics were "
                        "not looked at: " +
                        answers.failure);
    report.topics = std::move(answers.topics);
    judge_topics(report);
}

/// transfer.ini: everything that is wrong, and what would run.
check_report examine_transfer(const std::string& text, const std::string& file,
                              const std::vector<std::string>& overrides) {
    check_report report;
    const auto checked = check_transfer(text, file, overrides);
    const auto tell = [&](const std::string& name, const base::setting_problem& problem) {
        report.error(problem.where, "", "",
                     (name.empty() ? "" : "[" + name + "] ") +
                         (problem.key.empty() ? "" : problem.key + ": ") + problem.text);
    };
    for (const auto& problem : checked.loaded.problems)
        tell("", problem);
    for (const auto& one : checked.loaded.refused)
        for (const auto& problem : one.problems)
            tell(one.name, problem);
    const auto& settings = checked.loaded.settings;
    for (const auto& route : settings.routes)
        report.notes.push_back("route." + route.name + ": " + transfer::explain(route, settings));
    if (settings.routes.empty() && settings.etcd_addr.empty())
        report.error(file, "", "", "there is no route that could run");
    return report;
}

check_report examine(const arguments& given) {
    if (const auto* file = given.last("--config")) {
        const auto text = read_file(*file, 4 << 20);
        if (text && is_transfer_file(*text))
            return examine_transfer(*text, *file, given.all("--set"));
    }
    check_report report;
    const bool with_file = given.has("--config") || !given.has("--logconfig");
    const auto configured = read_configuration(
        with_file ? given.value_or("--config", default_config_file) : "", given.all("--set"));
    for (const auto& problem : configured.problems)
        report.error(problem.where, "", "",
                     problem.key.empty() ? problem.text : problem.key + ": " + problem.text);
    report.notes = configured.notes;
    const auto* logconfig = given.last("--logconfig");
    if (!logconfig) return report;

    auto parsed = read_targets(*logconfig, report);
    auto& targets = parsed.targets;
    for (auto& target : targets)
        target.trusted = !given.has("--config");
    const auto& settings = configured.settings;
    os::posix_disk disk{{.policy = os::path_policy{{settings.allow_paths, settings.deny_paths}},
                         .allow_hardlinks = settings.allow_hardlinks,
                         .allow_network_fs = settings.allow_network_fs}};
    check_policy(parsed, settings, disk, *logconfig, report);
    report.matches = find_files(disk, targets, os::wall_ms());
    report.looked_for_files = !targets.empty();
    if (configured.problems.empty()) check_topics(targets, configured, report);
    return report;
}

int run_check(const arguments& given, streams to) {
    if (given.has("--reference")) {
        to.out << agent::configuration_reference() << transfer::settings_reference();
        return 0;
    }
    const auto report = examine(given);
    to.out << (given.has("--json") ? check_json(report) : check_text(report));
    return report.count(finding::severity::error) > 0 ? 2 : 0;
}

}  // namespace

const command check_command{
    .name = "check",
    .summary = "say everything that is wrong with a configuration, and what it would collect",
    .usage = "[-c FILE] [--logconfig FILE] [--set KEY=VALUE]... [--json]",
    .about =
        "Reads the configuration and a list of targets as the agent would, changes nothing, and "
        "prints all errors and warnings at once; which files would be collected from which "
        "offset, or why not; and, when kafka_addr is set, whether their topics exist with enough "
        "replicas. A file that is not there is waited for, and a Kafka that does not answer "
        "within 5 s is a warning.\n"
        "\n"
        "Exit code 0: no errors, warnings allowed. 2: errors.",
    .flags = flags,
    .examples =
        "  logagent check -c /etc/logagent/agent.ini\n"
        "  logagent check -c agent.ini --logconfig targets.json --json\n",
    .run = run_check,
};

}  // namespace logagent::cli

#include "cli/check_report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/text_table.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

namespace {

namespace json = boost::json;

const char* word(finding::severity how) {
    return how == finding::severity::error ? "error" : "warning";
}

std::string state_of(const file_match& file) {
    if (file.collected()) return "collected";
    return file.missing ? "waited for" : "refused";
}

/// The fewest replicas of a partition.
int replicas_of(const kafka::topic_description& topic) {
    int least = topic.partitions.empty() ? 0 : topic.partitions.front().replicas;
    for (const auto& partition : topic.partitions)
        least = std::min(least, partition.replicas);
    return least;
}

/// JSON text is UTF-8; names of files need not be.
std::string repaired(const std::string& text) {
    std::string out;
    base::append_repaired(out, text);
    return out;
}

std::string counted(std::size_t number, const std::string& what) {
    return (number == 0 ? "no" : std::to_string(number)) + " " + what + (number == 1 ? "" : "s");
}

void append_findings(std::string& out, const check_report& report) {
    for (const auto& one : report.findings) {
        out += one.how == finding::severity::error ? "error    " : "warning  ";
        for (const auto& part : {one.where, one.pointer})
            if (!part.empty()) out += base::visible(part) + ": ";
        out += base::visible(one.text) + '\n';
    }
    for (const auto& note : report.notes)
        out += "note     " + base::visible(note) + '\n';
}

void append_files(std::string& out, const check_report& report) {
    if (!report.looked_for_files) return;
    text_table table{{{"PATH"},
                      {"TOPIC"},
                      {"STATE"},
                      {"SIZE", true},
                      {"DEV:INODE", true},
                      {"START", true},
                      {"REASON"}}};
    for (const auto& file : report.matches.files) {
        std::vector<std::string> row{base::visible(file.path), base::visible(file.topic),
                                     state_of(file)};
        if (file.collected())
            row.insert(row.end(), {base::format_bytes(file.status.size),
                                   std::to_string(file.status.device) + ":" +
                                       std::to_string(file.status.inode),
                                   std::to_string(file.start_offset), ""});
        else
            row.insert(row.end(), {"-", "-", "-", base::visible(file.refused)});
        table.add(std::move(row));
    }
    if (!out.empty()) out += '\n';
    out += table.empty() ? "no file matches\n" : table.render();
    if (report.matches.cut) out += "... and more; the search was ended\n";
}

void append_topics(std::string& out, const check_report& report) {
    if (report.topics.empty()) return;
    text_table table{{{"TOPIC"},
                      {"STATE"},
                      {"PARTITIONS", true},
                      {"REPLICAS", true},
                      {"MIN IN SYNC", true},
                      {"MAX MESSAGE", true}}};
    for (const auto& topic : report.topics) {
        const bool there = topic.code == kafka::error::none;
        table.add({base::visible(topic.topic), there ? "ok" : kafka::text(topic.code),
                   there ? std::to_string(topic.partitions.size()) : "-",
                   there ? std::to_string(replicas_of(topic)) : "-",
                   topic.min_insync_replicas ? std::to_string(*topic.min_insync_replicas) : "-",
                   topic.max_message_bytes ? base::format_bytes(*topic.max_message_bytes) : "-"});
    }
    out += (out.empty() ? "" : "\n") + table.render();
}

json::object to_json(const file_match& file) {
    json::object out{{"path", repaired(file.path)},
                     {"log_path", repaired(file.log_path)},
                     {"topic", repaired(file.topic)},
                     {"service", repaired(file.service)},
                     {"state", state_of(file)}};
    if (file.collected()) {
        out["size"] = file.status.size;
        out["device"] = file.status.device;
        out["inode"] = file.status.inode;
        out["start_offset"] = file.start_offset;
    } else {
        out["reason"] = repaired(file.refused);
    }
    return out;
}

json::object to_json(const kafka::topic_description& topic) {
    json::object out{{"topic", repaired(topic.topic)},
                     {"state", topic.code == kafka::error::none ? "ok" : kafka::name(topic.code)},
                     {"partitions", topic.partitions.size()},
                     {"replicas", replicas_of(topic)}};
    if (topic.min_insync_replicas) out["min_insync_replicas"] = *topic.min_insync_replicas;
    if (topic.max_message_bytes) out["max_message_bytes"] = *topic.max_message_bytes;
    return out;
}

json::object to_json(const finding& one) {
    json::object out{{"severity", word(one.how)},
                     {"where", repaired(one.where)},
                     {"code", one.code.empty() ? "setting" : one.code},
                     {"text", repaired(one.text)}};
    if (!one.pointer.empty()) out["pointer"] = repaired(one.pointer);
    return out;
}

}  // namespace

void check_report::error(std::string where, std::string pointer, std::string code,
                         std::string text) {
    findings.push_back({finding::severity::error, std::move(where), std::move(pointer),
                        std::move(code), std::move(text)});
}

void check_report::warn(std::string where, std::string code, std::string text) {
    findings.push_back(
        {finding::severity::warning, std::move(where), "", std::move(code), std::move(text)});
}

std::size_t check_report::count(finding::severity how) const {
    return static_cast<std::size_t>(std::count_if(
        findings.begin(), findings.end(), [&](const finding& one) { return one.how == how; }));
}

void judge_topics(check_report& report) {
    for (const auto& topic : report.topics) {
        const auto name = "topic " + topic.topic;
        if (topic.code == kafka::error::unknown_topic_or_partition) {
            report.warn(name, "topic", "does not exist; lines wait until somebody creates it");
            continue;
        }
        if (topic.code != kafka::error::none) {
            report.warn(name, "topic", kafka::text(topic.code));
            continue;
        }
        const auto leaderless =
            std::count_if(topic.partitions.begin(), topic.partitions.end(),
                          [](const auto& partition) { return partition.leader < 0; });
        if (leaderless > 0)
            report.warn(name, "leader",
                        counted(static_cast<std::size_t>(leaderless), "partition") +
                            " without a leader: their lines wait");
        if (replicas_of(topic) < 2)
            report.warn(name, "replicas", "has fewer than 2 replicas: one lost disk loses lines");
        if (topic.min_insync_replicas && *topic.min_insync_replicas < 2)
            report.warn(name, "min_insync_replicas",
                        "min.insync.replicas is below 2: one broker alone may acknowledge lines");
    }
}

std::string check_text(const check_report& report) {
    std::string out;
    append_findings(out, report);
    append_files(out, report);
    append_topics(out, report);
    out += (out.empty() ? "" : "\n") + counted(report.count(finding::severity::error), "error") +
           ", " + counted(report.count(finding::severity::warning), "warning") + '\n';
    return out;
}

std::string check_json(const check_report& report) {
    json::array findings, files, topics;
    for (const auto& one : report.findings)
        findings.push_back(to_json(one));
    for (const auto& one : report.matches.files)
        files.push_back(to_json(one));
    for (const auto& one : report.topics)
        topics.push_back(to_json(one));
    const auto errors = report.count(finding::severity::error);
    const json::object all{{"ok", errors == 0},
                           {"errors", errors},
                           {"warnings", report.count(finding::severity::warning)},
                           {"findings", std::move(findings)},
                           {"files", std::move(files)},
                           {"files_cut", report.matches.cut},
                           {"topics", std::move(topics)}};
    return json::serialize(all) + "\n";
}

}  // namespace logagent::cli

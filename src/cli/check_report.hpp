#pragma once

#include <string>
#include <vector>

#include "cli/file_matches.hpp"
#include "logagent/kafka/topic_description.hpp"

namespace logagent::cli {

/// One thing that `check` has to say.
struct finding {
    enum class severity { warning, error };

    severity how = severity::error;
    std::string where;    // "agent.ini:3", the logconfig file, "kafka"
    std::string pointer;  // into the logconfig array; empty elsewhere
    std::string code;     // short and stable; empty = "setting"
    std::string text;

    bool operator==(const finding&) const = default;
};

/// All that `check` found out, before it is printed.
struct check_report {
    std::vector<finding> findings;
    std::vector<std::string> notes;
    bool looked_for_files = false;
    file_matches matches;
    std::vector<kafka::topic_description> topics;

    void error(std::string where, std::string pointer, std::string code, std::string text);
    void warn(std::string where, std::string code, std::string text);
    std::size_t count(finding::severity how) const;
};

/// Adds a warning for each topic that is not there, has no leader, or could lose lines with one
/// broker.
void judge_topics(check_report& report);

std::string check_text(const check_report& report);
/// {"ok","errors","warnings","findings":[{"severity","where","pointer","code","text"}],
/// "files":[{"path","log_path","topic","service","state","size","device","inode","start_offset",
/// "reason"}],"files_cut","topics":[{"topic","state","partitions","replicas",
/// "min_insync_replicas","max_message_bytes"}]}; pointer only where there is one.
std::string check_json(const check_report& report);

}  // namespace logagent::cli

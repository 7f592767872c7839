#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/http/error.hpp"
#include "logagent/http/message.hpp"

namespace logagent::transfer {

/// What a WebHDFS answer means for what was asked. WebHDFS says 403 to nearly everything, so the
/// name of the exception decides, not the status.
enum class hdfs_verdict {
    done,     // 200 or 201; 307 where a place was asked for
    missing,  // no such file or directory
    exists,   // a file is where another was to be made
    standby,  // this NameNode does not serve: ask the next one
    passing,  // again later: safe mode, starting, no DataNode, a lease, the connection
    refused,  // a person has to act: permission, quota, a server that is no WebHDFS
};

struct hdfs_answer {
    hdfs_verdict verdict = hdfs_verdict::passing;
    std::string code;  // of what is not done, for metrics: "safe_mode", "standby", "permission"
    std::string text;  // and for people: the server's words
    std::string body;  // of what is done
    std::string location;
};

/// Reads an answer of a NameNode or DataNode. `from` is its address, for the text.
hdfs_answer read_hdfs_answer(const http::response& answer, std::string_view from);

/// No answer at all.
hdfs_answer read_hdfs_failure(const http::error& failure);

/// {"boolean":true}.
bool says_yes(const hdfs_answer& answer);

struct hdfs_file_status {
    bool directory = false;
    std::uint64_t length = 0;
    bool operator==(const hdfs_file_status&) const = default;
};

/// The answer to GETFILESTATUS; a body of another form throws std::runtime_error.
hdfs_file_status read_file_status(const hdfs_answer& answer);

/// The names in the answer to LISTSTATUS; a body of another form throws std::runtime_error.
std::vector<std::string> read_names(const hdfs_answer& answer);

}  // namespace logagent::transfer

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace logagent::agent {

/// What became of the configuration that says what this host collects.
struct config_report {
    std::string source;           // etcd disk file flags
    std::string state;            // applied failed waiting
    std::int64_t revision = 0;    // of the applied one; 0 = it has none
    std::string hash;             // of the applied one; empty = nothing was applied yet
    std::int64_t applied_ms = 0;  // wall clock; 0 = nothing was applied yet
    struct error {
        std::string key;      // where the document came from
        std::string pointer;  // RFC 6901, into that document
        std::string code;
        std::string detail;
    };
    std::vector<error> errors;  // entries and documents that were refused
    std::vector<std::pair<std::string, std::string>> problems;  // {code, text}
    std::string connection;  // to the source, in words; empty = connected, or none is needed
    // The document that state "failed" is about; `revision` above stays that of the applied one.
    std::int64_t failed_revision = 0;  // 0 = the source has none
    std::int64_t failed_ms = 0;        // wall clock; 0 = nothing has failed
};

}  // namespace logagent::agent

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace logagent::fleet {

enum class start_at : std::uint8_t { end, start };
enum class record_format : std::uint8_t { raw, json };
enum class key_kind : std::uint8_t { full, id, none };
enum class partition_kind : std::uint8_t { file, spread };
enum class oversize_policy : std::uint8_t { truncate, split, dead_letter };
enum class decode_kind : std::uint8_t { none, cri, docker };
enum class charset_kind : std::uint8_t { bytes, utf16le, utf16be };
enum class overload_policy : std::uint8_t { block, live_first };

struct mask_rule {
    std::string match;  // RE2
    std::string with;
    bool operator==(const mask_rule&) const = default;
};

struct multiline_rule {
    std::string start;  // RE2 that matches the first line of a record
    std::uint32_t max_lines = 500;
    std::uint32_t timeout_ms = 5000;
    bool operator==(const multiline_rule&) const = default;
};

/// One entry of logconfig: which files to collect, as what, how fast. A target is identified by
/// (log_path, topic); everything else can change while its files stay open.
struct log_target {
    std::string service;
    std::string log_path;  // absolute; exact, or a glob with *, ?, [], **
    std::string topic;
    std::uint64_t send_rate = 0;        // lines per second; 0 = unlimited
    std::uint64_t send_rate_bytes = 0;  // bytes per second; 0 = unlimited
    start_at start = start_at::end;
    std::vector<std::string> exclude;  // globs
    std::uint64_t ignore_older_s = 0;  // 0 = off
    record_format format = record_format::raw;
    key_kind key = key_kind::full;
    partition_kind partition = partition_kind::file;
    bool skip_blank = true;
    std::vector<std::string> keep;  // RE2
    std::vector<std::string> drop;  // RE2
    std::vector<mask_rule> mask;
    decode_kind decode = decode_kind::none;
    charset_kind charset = charset_kind::bytes;
    std::uint32_t max_line_bytes = 1'000'000;
    oversize_policy oversize = oversize_policy::truncate;
    std::optional<multiline_rule> multiline;
    overload_policy overload = overload_policy::block;
    bool trusted = false;  // named by the local user: allow_paths does not apply

    bool is_glob() const { return log_path.find_first_of("*?[") != std::string::npos; }
    bool operator==(const log_target&) const = default;
};

}  // namespace logagent::fleet

#include "etcd_findings.hpp"

#include <cmath>
#include <cstdlib>

namespace logagent::web {

namespace {

// Statuses and rendered keys of a thousand hosts write some thousand revisions a day.
constexpr std::int64_t many_revisions = 100'000;
constexpr std::uint64_t default_quota = 2'147'483'648;  // etcd's, 2 GiB

void judge_access(const etcd_seen& seen, std::vector<finding>& out) {
    using enum severity;
    if (!seen.anonymous_writes)
        out.push_back({warn, "whether anybody may write without a password could not be tried"});
    else if (*seen.anonymous_writes)
        out.push_back({bad,
                       "anybody who reaches etcd may write: what agents collect, tokens, all "
                       "of it; turn authentication on (examples/etcd-roles.sh does it)"});
    else
        out.push_back({ok, "nobody may write without a password"});
    if (!seen.own_writes)
        out.push_back({bad, "web itself may not write below its prefix: " + seen.own_failure});
    else
        out.push_back({ok, seen.with_user ? "the configured user may write below the prefix"
                                          : "web may write below its prefix"});
    if (seen.plain_remote)
        out.push_back({warn,
                       "an endpoint is neither TLS nor loopback: passwords and configuration "
                       "cross the network in the clear; use https:// in etcd_addr"});
}

void judge_history(const etcd_seen& seen, std::vector<finding>& out) {
    using enum severity;
    const auto kept = std::to_string(seen.kept_revisions);
    if (seen.kept_revisions > many_revisions)
        out.push_back({warn, "etcd keeps " + kept +
                                 " old revisions and will fill up: start it with "
                                 "--auto-compaction-mode=periodic --auto-compaction-retention=1h"});
    else if (seen.kept_revisions + 1 >= seen.revision && seen.revision > 1000)
        out.push_back({warn, "etcd has never been compacted (" + kept +
                                 " revisions): is --auto-compaction-retention set?"});
    else
        out.push_back({ok, "etcd keeps " + kept + " old revisions"});
}

void judge_space(const etcd_seen& seen, std::vector<finding>& out) {
    using enum severity;
    for (const auto& alarm : seen.alarms)
        out.push_back(
            {bad, "etcd has raised the alarm " + alarm +
                      (alarm == "NOSPACE" ? ": it refuses every write; compact, defragment "
                                            "and disarm it"
                                          : "")});
    const auto quota = seen.quota_bytes.value_or(default_quota);
    const auto percent = quota == 0 ? 0 : seen.used_bytes * 100 / quota;
    const auto text = "the database has " + std::to_string(seen.used_bytes >> 20) + " MiB, " +
                      std::to_string(percent) + " % of its quota of " +
                      std::to_string(quota >> 20) + " MiB" + (seen.quota_bytes ? "" : " (assumed)");
    out.push_back({percent >= 90 ? bad : percent >= 60 ? warn : ok, text});
}

void judge_members(const etcd_seen& seen, std::vector<finding>& out) {
    using enum severity;
    for (const auto& endpoint : seen.silent)
        out.push_back({warn, "the endpoint " + endpoint + " does not answer"});
    if (seen.members == 1)
        out.push_back({warn,
                       "etcd has one member: while it is away agents go on with what they "
                       "have, and nothing can be changed"});
    else if (seen.members % 2 == 0 && seen.members > 0)
        out.push_back({warn, "etcd has " + std::to_string(seen.members) +
                                 " members: an odd number survives as many failures with fewer"});
    else if (seen.members > 0)
        out.push_back({ok, "etcd has " + std::to_string(seen.members) + " members"});
}

}  // namespace

std::string line_of(const finding& one) {
    const char* word = one.how == severity::ok     ? "ok    "
                       : one.how == severity::warn ? "warn  "
                                                   : "bad   ";
    return word + one.text;
}

std::vector<finding> judge(const etcd_seen& seen) {
    std::vector<finding> out;
    judge_access(seen, out);
    judge_history(seen, out);
    judge_space(seen, out);
    judge_members(seen, out);
    return out;
}

std::optional<std::uint64_t> metric_value(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ')
            continue;
        const double value =
            std::strtod(std::string{line.substr(name.size() + 1)}.c_str(), nullptr);
        if (!std::isfinite(value) || value < 0 || value > 1e18) return std::nullopt;
        return static_cast<std::uint64_t>(value);
    }
    return std::nullopt;
}

}  // namespace logagent::web

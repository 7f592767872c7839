#include "cli/replay_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/text_table.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/tail/line_scan.hpp"

namespace logagent::cli {

namespace {

using checkpoint::byte_class;
using outcome = agent::replay::outcome;

constexpr std::size_t listed_ranges = 5;  // of one generation
constexpr std::uint64_t sampled = 64 * 1024;

std::string duration_text(double seconds) {
    char text[40];
    if (seconds < 100)
        std::snprintf(text, sizeof text, "%.1f s", seconds);
    else if (seconds < 6000)
        std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
    else
        std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
    return text;
}

std::string plural(std::uint64_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string range_text(checkpoint::range range) {
    return std::to_string(range.begin) + ":" + std::to_string(range.end);
}

void add_rows(text_table& table, const tail::replay_part& part) {
    const std::string file = base::visible(part.file.path, 300);
    const std::string id = part.file.id->text() + (part.file.known ? "" : " *");
    std::size_t shown = 0;
    std::uint64_t rest = 0;
    for (const auto& range : part.ranges) {
        if (shown == listed_ranges && part.ranges.size() > listed_ranges + 1) {
            rest += range.end - range.begin;
            continue;
        }
        ++shown;
        table.add({file, id, range_text(range), std::to_string(range.end - range.begin)});
    }
    if (rest > 0)
        table.add(
            {file, id, plural(part.ranges.size() - shown, "more range"), std::to_string(rest)});
}

std::string counts_text(const checkpoint::byte_counts& counts) {
    constexpr std::array<std::pair<byte_class, const char*>, 5> shown{{
        {byte_class::acked, "acknowledged"},
        {byte_class::blank, "blank"},
        {byte_class::filtered, "filtered"},
        {byte_class::cut, "cut"},
        {byte_class::dead_letter, "to the dead letter topic"},
    }};
    std::string out;
    for (const auto& [which, text] : shown) {
        const auto count = counts[static_cast<std::size_t>(which)];
        if (count == 0 && which != byte_class::acked) continue;
        out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + text;
    }
    return out;
}

}  // namespace

std::uint64_t estimate_lines(const tail::replay_plan& plan) {
    double lines = 0;
    for (const auto& part : plan.parts) {
        // One sample serves all ranges of a file.
        const auto& first = part.ranges.front();
        const auto end = std::min(first.end, first.begin + sampled);
        std::uint64_t seen = 0;
        std::uint64_t bytes = 0;
        tail::scan_lines(*part.file.bytes, first.begin, end, [&](const tail::scanned_line& line) {
            ++seen;
            bytes += line.end - line.begin;
            return true;
        });
        if (bytes > 0)
            lines += static_cast<double>(part.bytes) * static_cast<double>(seen) /
                     static_cast<double>(bytes);
    }
    return static_cast<std::uint64_t>(std::llround(lines));
}

std::string replay_plan_text(const agent::replay_job& job, const std::string& origin,
                             std::uint64_t lines, const std::vector<std::string>& notes) {
    std::string out =
        "to topic " + job.target.topic + ", as of " + base::visible(origin, 600) + "\n";
    text_table table{{{"FILE"}, {"GENERATION"}, {"RANGE"}, {"BYTES", true}}};
    bool derived = false;
    for (const auto& part : job.plan.parts) {
        add_rows(table, part);
        derived = derived || !part.file.known;
    }
    if (!table.empty()) out += "\n" + table.render() + "\n";
    out += std::to_string(job.plan.bytes) + " bytes, about " + plural(lines, "line");
    const auto rate = job.target.send_rate;
    if (rate > 0)
        out += "; at " + std::to_string(rate) + " a second about " +
               duration_text(static_cast<double>(lines) / static_cast<double>(rate));
    out += "\n";
    if (derived)
        out +=
            "* is not in the journal: its id is made from the file. Replays of it carry equal "
            "keys, but sinks\n  cannot tell its records from copies that were sent under "
            "another id.\n";
    for (const auto& note : job.plan.notes)
        out += "note: " + base::visible(note, 600) + "\n";
    for (const auto& note : notes)
        out += "note: " + base::visible(note, 600) + "\n";
    return out;
}

std::string replay_bar(const agent::replay_progress& now, std::uint64_t total, double seconds,
                       const std::string& waiting_for, std::size_t width) {
    constexpr std::size_t cells = 24;
    const double part =
        total == 0 ? 1.0 : static_cast<double>(now.bytes) / static_cast<double>(total);
    const auto full = std::min(cells, static_cast<std::size_t>(part * cells));
    char numbers[120];
    std::snprintf(numbers, sizeof numbers, "] %3.0f %%  %s of %s  %llu records",
                  std::floor(part * 100), base::format_bytes(now.bytes).c_str(),
                  base::format_bytes(total).c_str(), static_cast<unsigned long long>(now.records));
    std::string out = "[" + std::string(full, '#') + std::string(cells - full, '.') + numbers;
    if (!waiting_for.empty())
        out += "  waits: " + base::visible(waiting_for, 200);
    else if (part > 0.01 && seconds > 1 && part < 1)
        out += "  " + duration_text(seconds / part - seconds) + " left";
    return shorten_end(out, width);
}

std::string replay_result_text(const agent::replay& which, outcome outcome, double seconds) {
    const auto end = which.progress();
    const auto& plan = which.job().plan;
    std::string out;
    if (outcome == outcome::failed) out += "failed: " + base::visible(which.failure(), 600) + "\n";
    if (outcome == outcome::cancelled) out += "cancelled\n";
    if (outcome == outcome::undrained)
        out +=
            "cancelled; not everything that was read is acknowledged, so some of it may be in "
            "Kafka beside what is counted here\n";
    out += plural(end.records, "record") + " to " + which.job().target.topic + " in " +
           duration_text(seconds) + "; of " + std::to_string(plan.bytes) +
           " bytes: " + counts_text(end.counts);
    if (plan.bytes > end.bytes) out += ", " + std::to_string(plan.bytes - end.bytes) + " not sent";
    out += "\n";
    if (end.refused_letters > 0)
        out += "of what is too large, " + plural(end.refused_letters, "record") +
               " found no place in the dead letter topic either\n";
    if (outcome != outcome::done && end.part < plan.parts.size()) {
        const auto& part = plan.parts[end.part];
        out += "goes on with: --generation=" + part.file.id->text() + " --offset " +
               std::to_string(std::max(end.offset, part.ranges.front().begin)) + ":" +
               std::to_string(part.ranges.back().end);
        if (const auto more = plan.parts.size() - end.part - 1; more > 0)
            out += ", then " + plural(more, "more generation");
        out += "\n";
    }
    return out;
}

}  // namespace logagent::cli

#include "cli/status_text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "cli/json_text.hpp"
#include "cli/text_table.hpp"

namespace logagent::cli {

namespace {

/// "0", "0.4", "12", "5000".
std::string rate_text(double rate) {
    const auto tenths = static_cast<std::uint64_t>(std::llround(std::min(rate, 1e15) * 10));
    std::string out = std::to_string(rate < 10 ? tenths / 10 : (tenths + 5) / 10);
    if (rate < 10 && tenths % 10) out += "." + std::to_string(tenths % 10);
    return out;
}

/// "-", "12 s", "3 m 5 s", "2 h 10 m".
std::string duration_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(std::min(seconds, 1e15));
    if (whole == 0) return seconds > 0 ? "< 1 s" : "-";
    const auto pair = [](std::uint64_t big, const char* unit, std::uint64_t small,
                         const char* part) {
        return std::to_string(big) + unit + (small ? " " + std::to_string(small) + part : "");
    };
    if (whole < 60) return std::to_string(whole) + " s";
    if (whole < 3600) return pair(whole / 60, " m", whole % 60, " s");
    return pair(whole / 3600, " h", whole / 60 % 60, " m");
}

void append_line(std::string& out, std::string_view label, const std::string& text) {
    if (text.empty()) return;
    out += std::string{label} + std::string(11 - std::min<std::size_t>(label.size(), 10), ' ') +
           text + '\n';
}

std::string config_text(const json::value* config) {
    const auto source = text_of(member(config, "source"));
    const auto state = text_of(member(config, "state"));
    if (state.empty()) return {};
    auto out = state + (source.empty() ? "" : " from " + source);
    const auto revision = text_of(member(member(config, "applied"), "revision"));
    if (!revision.empty() && revision != "0") out += ", revision " + revision;
    return out;
}

std::string kafka_text(const json::value* kafka) {
    const auto state = text_of(member(kafka, "state"));
    if (state.empty()) return {};
    return state + ", " + bytes_text(number_of(member(kafka, "in_flight_bytes"))) + " in flight, " +
           rate_text(number_of(member(kafka, "requests_per_s"))) + " requests/s";
}

std::string ledger_text(const json::value* ledger) {
    if (!ledger || !ledger->is_object()) return {};
    const auto sum = [&](std::string_view name) { return number_of(member(ledger, name)); };
    std::string out = bytes_text(sum("acked")) + " acked, " + bytes_text(sum("in_flight")) +
                      " in flight, " + bytes_text(sum("unread")) + " unread";
    const double lost = sum("truncated_away") + sum("abandoned") + sum("vanished");
    out += ", " + bytes_text(lost) + " lost";
    static constexpr std::pair<std::string_view, std::string_view> classes[] = {
        {"dead_letter", "dead letters"}, {"cut", "cut"},
        {"filtered", "filtered"},        {"blank", "blank"},
        {"stopped", "stopped"},          {"skipped_at_start", "skipped at start"}};
    for (const auto& [name, words] : classes)
        if (const auto bytes = sum(name); bytes > 0)
            out += ", " + bytes_text(bytes) + " " + std::string{words};
    return out;
}

void append_header(std::string& out, const json::value& document) {
    auto title = text_of(document, "host");
    for (const auto& part : {"logagent " + text_of(document, "version"), text_of(document, "state"),
                             "since " + text_of(document, "started")})
        if (!part.empty() && !part.ends_with(' ')) title += (title.empty() ? "" : "  ") + part;
    append_line(out, "host", title);
    const auto* config = member(&document, "config");
    const auto* kafka = member(&document, "kafka");
    append_line(out, "config", config_text(config));
    append_line(out, "kafka", kafka_text(kafka));
    append_line(out, "ledger", ledger_text(member(&document, "ledger")));
    for (const auto& error : array_of(member(config, "errors")))
        append_line(out, "refused",
                    text_of(error, "key") + " " + text_of(error, "pointer") + ": " +
                        text_of(error, "detail"));
    for (const auto& blocked : array_of(member(kafka, "blocked")))
        append_line(out, "blocked",
                    text_of(blocked, "topic") + "/" + text_of(blocked, "partition") + ": " +
                        text_of(blocked, "reason"));
    for (const auto& problem : array_of(member(&document, "problems")))
        append_line(out, "problem", text_of(problem, "code") + ": " + text_of(problem, "text"));
}

/// Small = a person should look at it first.
int urgency(const std::string& state) {
    static constexpr std::string_view order[] = {"error",    "denied",  "shadowed", "throttled",
                                                 "draining", "waiting", "tailing",  "done"};
    return static_cast<int>(std::find(std::begin(order), std::end(order), state) -
                            std::begin(order));
}

std::vector<const json::value*> sorted_files(const json::value& document) {
    std::vector<const json::value*> out;
    for (const auto& file : array_of(member(&document, "files")))
        out.push_back(&file);
    std::stable_sort(out.begin(), out.end(), [](const json::value* a, const json::value* b) {
        const auto left = urgency(text_of(*a, "state")), right = urgency(text_of(*b, "state"));
        if (left != right) return left < right;
        return number_of(*a, "lag_bytes") > number_of(*b, "lag_bytes");
    });
    return out;
}

enum : std::size_t { path_column, topic_column, error_column = 7 };

/// Makes the lines fit: first the topic, then the path, then the error give way.
void fit(text_table& table, std::size_t width) {
    constexpr std::size_t most_topic = 24, least_path = 20, least_error = 24;
    for (auto& row : table.rows())
        row[topic_column] = shorten_middle(row[topic_column], most_topic);
    std::size_t others = 2 * error_column;
    for (std::size_t i = topic_column; i < error_column; ++i)
        others += table.width(i);
    const auto error_wish = std::min(table.width(error_column), least_error);
    const auto room = width > others + error_wish ? width - others - error_wish : 0;
    for (auto& row : table.rows())
        row[path_column] = shorten_middle(row[path_column], std::max(room, least_path));
    const auto used = others + table.width(path_column);
    const auto left = std::max(width > used ? width - used : 0, error_wish);
    for (auto& row : table.rows())
        row[error_column] = shorten_end(row[error_column], left);
}

text_table file_table(const std::vector<const json::value*>& files) {
    text_table table{{{"PATH"},
                      {"TOPIC"},
                      {"STATE"},
                      {"LAG", true},
                      {"RATE", true},
                      {"SENT/LIMIT", true},
                      {"THROTTLED", true},
                      {"ERROR"}}};
    for (const auto* file : files) {
        const auto limit = number_of(*file, "send_rate");
        table.add({text_of(*file, "path"), text_of(*file, "topic"), text_of(*file, "state"),
                   bytes_text(number_of(*file, "lag_bytes")),
                   bytes_text(number_of(*file, "bytes_per_s")) + "/s",
                   rate_text(number_of(*file, "lines_per_s")) + "/" +
                       (limit > 0 ? rate_text(limit) : "-"),
                   duration_text(number_of(*file, "throttled_seconds")),
                   text_of(*file, "last_error")});
    }
    return table;
}

}  // namespace

std::string render_status(const json::value& document, std::size_t width, std::size_t rows) {
    std::string out;
    append_header(out, document);
    if (width > 0) {
        std::string cut;
        for (std::string_view rest = out; !rest.empty();) {
            const auto end = rest.find('\n');
            cut += shorten_end(rest.substr(0, end), width) + '\n';
            rest.remove_prefix(end + 1);
        }
        out = std::move(cut);
    }
    auto files = sorted_files(document);
    const auto all = files.size();
    if (rows > 0 && all > rows) files.resize(rows);
    if (files.empty()) return out + "\nno files\n";
    auto table = file_table(files);
    if (width > 0) fit(table, width);
    out += '\n' + table.render();
    if (files.size() < all) out += "... and " + std::to_string(all - files.size()) + " more\n";
    return out;
}

}  // namespace logagent::cli

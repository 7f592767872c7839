#include "cli/replay_flags.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string_view>

#include "logagent/base/bytes.hpp"
#include "logagent/kafka/topic_name.hpp"

namespace logagent::cli {

namespace {

constexpr std::uint64_t most_rate = 1'000'000'000;

constexpr flag flags[] = {
    {.names = "-c,--config",
     .value = "FILE",
     .help = "The configuration of the agent whose lines these were (/etc/logagent/agent.ini; "
             "with --kafka none unless -c names it)."},
    {.names = "--path",
     .value = "P",
     .help = "The log as the agent knows it; its rotated and compressed generations beside it "
             "belong to it."},
    {.names = "--generation",
     .value = "G",
     .help = "Only this life of the file, as it stands in record keys. --offset is of the current "
             "file unless this names another.",
     .allowed = "22 characters of A-Z a-z 0-9 - _"},
    {.names = "--offset",
     .value = "A:B",
     .help = "The bytes from A to B of the unpacked file, widened to whole lines; A: is up to the "
             "end.",
     .allowed = "A:B or A:, whole numbers, A below B"},
    {.names = "--since",
     .value = "T",
     .help = "Lines from this moment on, by their own time stamps: 2026-11-23T23:00:00Z, "
             "'2026-11-23 23:00' (local time), 1795475460, or 2h for two hours ago.",
     .allowed = "a date with or without a time, seconds or milliseconds since 1970, or 30m, 2h, "
                "3d for that long ago"},
    {.names = "--until",
     .value = "T",
     .help = "Lines before this moment; like --since, and either may stand alone.",
     .allowed = "as for --since"},
    {.names = "--last",
     .value = "SIZE",
     .help = "The last bytes of the log over its generations, such as 50MB, widened to whole "
             "lines.",
     .allowed = "a size above 0, such as 500k, 50MB, 2G"},
    {.names = "--topic",
     .value = "T",
     .help = "Where the lines go.",
     .allowed = "1 to 249 of a-z A-Z 0-9 . _ -"},
    {.names = "--same-topic", .help = "They go where they went first."},
    {.names = "--rate",
     .value = "N",
     .help = "Lines a second at most, 0 = no limit (0).",
     .allowed = "0 to 1000000000 lines a second, 0 = no limit"},
    {.names = "--from",
     .value = "G:N",
     .help = "Go on: what lies before byte N of generation G was sent. Says nothing about which "
             "part is wanted; the plan of --last then begins here.",
     .allowed = "a generation, a colon and a whole number"},
    {.names = "--to",
     .value = "G:N",
     .help = "Go on: leave out byte N of generation G and all behind it.",
     .allowed = "a generation, a colon and a whole number"},
    {.names = "--by-command",
     .help = "As the agent does it for a command of etcd: allow_paths and allow_topics hold, "
             "Kafka is waited for, and each line printed is a JSON object."},
    {.names = "--dry-run", .help = "Print what would be sent, and end."},
    {.names = "--service",
     .value = "S",
     .help = "Name of the service in the keys (local); only where no target names it, as with "
             "agent --file."},
    {.names = "--logconfig",
     .value = "FILE",
     .help = "Look for the path's target in this array instead of what the agent applied last."},
    {.names = "--kafka",
     .value = "ADDR",
     .help = "Brokers, host:port with commas; wins over kafka_addr."},
    {.names = "--set",
     .value = "KEY=VALUE",
     .help = "Any key of the configuration; wins over the file. May be given several times."},
};

const flag& row(std::string_view name) {
    return find_flag(flags, name);
}

tail::offset_range read_offsets(const std::string& text) {
    const auto& which = row("--offset");
    const auto colon = text.find(':');
    if (colon == text.npos) throw bad_value(which, text, "is no range");
    const auto begin = base::parse_unsigned(text.substr(0, colon));
    if (!begin) throw bad_value(which, text, "has no beginning");
    tail::offset_range out{*begin, {}};
    if (colon + 1 == text.size()) return out;
    const auto end = base::parse_unsigned(text.substr(colon + 1));
    if (!end) throw bad_value(which, text, "has no end");
    if (*end <= *begin) throw bad_value(which, text, "is empty");
    out.end = *end;
    return out;
}

std::optional<tail::replay_point> read_point(const arguments& given, std::string_view name) {
    const auto* text = given.last(name);
    if (!text) return std::nullopt;
    tail::replay_point out;
    const auto colon = text->find(':');
    const bool whole = colon != text->npos &&
                       checkpoint::generation_id::parse(text->substr(0, colon), out.generation);
    if (!whole) throw bad_value(row(name), *text, "is no place in a generation");
    const auto offset = base::parse_unsigned(text->substr(colon + 1));
    if (!offset) throw bad_value(row(name), *text, "has no number behind the colon");
    out.offset = *offset;
    return out;
}

std::int64_t read_moment(std::string_view name, const std::string& text, std::int64_t now_ms) {
    const auto moment = tail::parse_moment(text, now_ms);
    if (!moment) throw bad_value(row(name), text, "is no moment");
    return *moment;
}

tail::time_span read_span(const arguments& given, std::int64_t now_ms) {
    tail::time_span out;
    if (const auto* since = given.last("--since"))
        out.since = read_moment("--since", *since, now_ms);
    if (const auto* until = given.last("--until"))
        out.until = read_moment("--until", *until, now_ms);
    if (out.since && out.until && *out.since >= *out.until)
        throw bad_value(row("--until"), *given.last("--until"), "is not after --since");
    return out;
}

/// How far a unit shifts its number: "", "k", "KB" and "KiB" of any case; powers of 1024.
std::optional<int> shift_of(std::string unit) {
    for (auto& c : unit)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (unit.empty() || unit == "b") return 0;
    const auto power = std::string_view{"kmgt"}.find(unit[0]);
    const auto rest = unit.substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib"))
        return std::nullopt;
    return static_cast<int>(power + 1) * 10;
}

tail::last_bytes read_last(const std::string& text) {
    const auto& which = row("--last");
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = base::parse_unsigned(text.substr(0, digits));
    const auto shift = shift_of(text.substr(digits));
    if (!number || !shift || *number == 0) throw bad_value(which, text, "is no such size");
    if (*number > std::numeric_limits<std::uint64_t>::max() >> *shift)
        throw bad_value(which, text, "is out of range");
    return {*number << *shift};
}

/// Runs one reading and keeps its complaint.
template <class Read>
void gather(std::vector<std::string>& wrong, Read read) {
    try {
        read();
    } catch (const usage_error& error) {
        wrong.insert(wrong.end(), error.lines().begin(), error.lines().end());
    }
}

void read_what(const arguments& given, std::int64_t now_ms, replay_order& out,
               std::vector<std::string>& wrong) {
    const bool by_time = given.has("--since") || given.has("--until");
    const int ways = int{given.has("--offset")} + int{by_time} + int{given.has("--last")};
    if (ways == 0)
        wrong.emplace_back("say which part: --offset A:B, --since T, --until T, or --last SIZE");
    if (ways > 1) {
        wrong.emplace_back("--offset, --since with --until, and --last exclude each other");
        return;
    }
    gather(wrong, [&] {
        if (const auto* text = given.last("--offset")) out.request.what = read_offsets(*text);
        if (by_time) out.request.what = read_span(given, now_ms);
        if (const auto* text = given.last("--last")) out.request.what = read_last(*text);
    });
}

}  // namespace

std::span<const flag> replay_flags() {
    return flags;
}

replay_order read_replay_order(const arguments& given, const surroundings& around,
                               std::int64_t now_ms) {
    replay_order out;
    std::vector<std::string> wrong;
    const auto* path = given.last("--path");
    if (!path || path->empty()) {
        wrong.emplace_back("--path: is missing; it names the log");
    } else {
        out.request.path =
            (std::filesystem::path{around.working_directory} / *path).lexically_normal().string();
    }
    read_what(given, now_ms, out, wrong);
    if (const auto* text = given.last("--generation")) {
        out.request.generation.emplace();
        if (!checkpoint::generation_id::parse(*text, *out.request.generation))
            wrong.push_back(bad_value(row("--generation"), *text, "is no generation").what());
    }
    const auto* topic = given.last("--topic");
    if (topic) {
        out.topic = *topic;
        if (!kafka::valid_topic_name(*topic))
            wrong.push_back(bad_value(row("--topic"), *topic, "is no name of a topic").what());
    }
    if (topic && given.has("--same-topic"))
        wrong.emplace_back("--topic and --same-topic exclude each other");
    if (!topic && !given.has("--same-topic"))
        wrong.emplace_back("say where to: --topic T, or --same-topic");
    gather(wrong, [&] {
        if (const auto* rate = given.last("--rate"))
            out.rate = read_number(row("--rate"), *rate, 0, most_rate);
    });
    gather(wrong, [&] { out.request.from = read_point(given, "--from"); });
    gather(wrong, [&] { out.request.to = read_point(given, "--to"); });
    out.by_command = given.has("--by-command");
    out.service = given.value_or("--service", "local");
    out.dry_run = given.has("--dry-run");
    out.logconfig = given.value_or("--logconfig", "");
    out.config_file = given.value_or("--config", given.has("--kafka") ? "" : around.config_file);
    if (!wrong.empty()) throw usage_error{std::move(wrong)};
    return out;
}

}  // namespace logagent::cli

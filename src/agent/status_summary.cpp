#include <algorithm>

#include "agent/status_json.hpp"

namespace logagent::agent {

namespace {

// etcd holds one such value for each host of a fleet.
constexpr std::size_t most_bytes = 16 << 10;
constexpr std::size_t most_ips = 16;
constexpr std::size_t most_files = 50;
constexpr std::size_t long_text = 400;  // bytes of one text before escaping
constexpr std::size_t longest_path = 1024;

// Each list may fill the value up to here, so that problems cannot crowd out the refused entries,
// nor those the files. The rest is for the counts, which come last.
constexpr std::size_t problems_to = 6 << 10;
constexpr std::size_t errors_to = 10 << 10;
constexpr std::size_t files_to = most_bytes - 512;

std::string cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return std::string{text};
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80)
        --limit;
    return std::string{text.substr(0, limit)} + "...";
}

/// Adds elements to the open array while they fit; returns how many did not.
template <class List, class Write>
std::size_t write_fitting(json_writer& out, const List& list, std::size_t to, Write write) {
    std::size_t done = 0;
    for (const auto& one : list) {
        json_writer element;
        write(element, one);
        const auto text = element.take();
        if (out.size() + text.size() + 1 > to) break;
        out.raw(text);
        ++done;
    }
    return list.size() - done;
}

struct bad_file {
    std::string path, topic, state, last_error;
};

void write_bad_file(json_writer& out, const bad_file& file) {
    out.open('{').member("path", file.path).member("topic", file.topic);
    out.member("state", file.state).member("last_error", file.last_error).close('}');
}

/// Identity with every text cut: 7 KiB at most, if each byte of them needs six in JSON.
status_values cut_identity(const status_values& values) {
    status_values out;
    out.host = cut(values.host, 255);
    out.instance = cut(values.instance, 64);
    out.version = cut(values.version, 64);
    out.started_ms = values.started_ms;
    for (std::size_t i = 0; i < values.ips.size() && i < most_ips; ++i)
        out.ips.push_back(cut(values.ips[i], 45));
    if (!values.problems.empty()) out.problems.emplace_back();  // makes the state
    return out;
}

config_report::error cut_error(const config_report::error& error) {
    return {cut(error.key, 128), cut(error.pointer, 128), cut(error.code, 64),
            cut(error.detail, 200)};
}

/// The result without its lists, cut (4 KiB at most); of the errors only the one of "failed".
config_report cut_config(const config_report& config) {
    config_report out = config;
    out.source = cut(config.source, 16);
    out.state = cut(config.state, 16);
    out.hash = cut(config.hash, 128);
    out.problems.clear();
    out.errors.clear();
    if (!config.errors.empty()) out.errors.push_back(cut_error(config.errors.front()));
    return out;
}

state_counts look_at_files(const file_visitor& visit, std::vector<bad_file>& bad,
                           std::size_t& bad_count) {
    state_counts counts{};
    visit({}, static_cast<std::size_t>(-1), [&](const tail::file_view& file) {
        count_state(counts, file.state);
        if (file.state == "tailing") return;
        if (++bad_count > most_files) return;
        bad.push_back({cut(file.path, longest_path), cut(file.topic, 249), std::string{file.state},
                       cut(file.last_error, long_text)});
    });
    return counts;
}

}  // namespace

std::string write_summary(const status_values& values, const file_visitor& files) {
    std::vector<bad_file> bad;
    std::size_t bad_count = 0;
    const auto counts = look_at_files(files, bad, bad_count);

    json_writer out;
    out.open('{');
    write_identity(out, cut_identity(values));
    out.key("config").open('{');
    write_config_result(out, cut_config(values.config));
    out.close('}').key("problems").open('[');
    const auto problems =
        write_fitting(out, values.problems, problems_to, [](json_writer& to, const problem& one) {
            write_problem(to, {cut(one.code, 64), cut(one.text, long_text), one.since_ms});
        });
    out.close(']').key("errors").open('[');
    const auto errors = write_fitting(
        out, values.config.errors, errors_to,
        [](json_writer& to, const config_report::error& one) { write_error(to, cut_error(one)); });
    out.close(']').key("not_tailing").open('[');
    const auto cut_files = write_fitting(out, bad, files_to, write_bad_file);
    out.close(']').key("files").open('{');
    for (std::size_t i = 0; i < counts.size(); ++i)
        out.member(file_states[i], counts[i]);
    out.close('}').key("omitted").open('{').member("problems", problems);
    out.member("errors", errors);
    out.member("not_tailing", bad_count - (bad.size() - cut_files)).close('}').close('}');
    return out.take();
}

}  // namespace logagent::agent

#include "agent/status_values.hpp"

#include <algorithm>

namespace logagent::agent {

namespace {

constexpr std::size_t most_blocked = 1000;

}  // namespace

std::vector<problem> problem_log::update(const list& now, std::int64_t wall_ms) {
    std::map<std::pair<std::string, std::string>, std::int64_t> standing;
    std::vector<problem> out;
    for (const auto& one : now) {
        const auto known = since_.find(one);
        const auto since = known == since_.end() ? wall_ms : known->second;
        if (standing.emplace(one, since).second) out.push_back({one.first, one.second, since});
    }
    since_ = std::move(standing);
    return out;
}

std::vector<blocked_partition> blocked_in(const delivery::topic_table& topics) {
    std::vector<blocked_partition> out;
    for (const auto& [topic_name, topic] : topics.all()) {
        if (out.size() >= most_blocked) break;
        if (!topic->wanted()) continue;
        if (topic->now() == delivery::topic::state::parked) {
            out.push_back({topic_name, -1, kafka::name(topic->reason())});
            continue;
        }
        for (const auto& lane : topic->lanes())
            if (!lane.has_leader() && out.size() < most_blocked)
                out.push_back({topic_name, lane.partition(),
                               kafka::name(kafka::error::leader_not_available)});
    }
    return out;
}

problem_log::list derived_problems(const config_report& config, const std::string& kafka,
                                   const std::string& journal) {
    problem_log::list out = config.problems;
    const bool told = std::any_of(out.begin(), out.end(),
                                  [](const auto& one) { return one.first == "config_broken"; });
    if (!config.errors.empty() && !told) {
        const auto& first = config.errors.front();
        out.emplace_back("config_refused",
                         std::to_string(config.errors.size()) +
                             " refused, see config.errors; the first: " + first.key + ' ' +
                             first.pointer + ": " + first.detail);
    } else if (config.state == "failed" && !told) {
        out.emplace_back("config_refused", "the configuration was refused");
    }
    if (!config.connection.empty()) out.emplace_back("config_source", config.connection);
    if (!kafka.empty()) out.emplace_back("kafka_down", kafka);
    if (!journal.empty()) out.emplace_back("journal", journal);
    return out;
}

std::string_view name(checkpoint::byte_class which) noexcept {
    static constexpr std::array<std::string_view, checkpoint::byte_classes> names{
        "skipped_at_start", "acked",          "blank",     "filtered", "cut",
        "dead_letter",      "truncated_away", "abandoned", "vanished", "stopped"};
    const auto at = static_cast<std::size_t>(which);
    // The journal of a newer version may hold a class that this one does not know.
    return at < names.size() ? names[at] : "unknown";
}

void count_state(state_counts& counts, std::string_view state) noexcept {
    const auto found = std::find(file_states.begin(), file_states.end(), state);
    if (found != file_states.end()) ++counts[static_cast<std::size_t>(found - file_states.begin())];
}

/// How many files to show of the next `limit`: whole paths, `count` files at most unless the first
/// path alone has more. 0: the first path does not end within `limit`.
std::size_t file_walk::whole_paths(std::size_t count, std::size_t limit, bool& last) const {
    std::size_t seen = 0;
    std::size_t whole = 0;
    std::string path;
    const auto path_ends = [&] {
        if (seen <= count || whole == 0) whole = seen;
    };
    (*visit_)(after_, limit, [&](const tail::file_view& file) {
        if (seen > 0 && file.path != path) path_ends();
        ++seen;
        path = file.path;
    });
    const bool all = seen < limit;
    if (all) path_ends();
    last = all && whole == seen;
    return whole;
}

bool file_walk::next(std::size_t count, const std::function<void(const tail::file_view&)>& each) {
    bool last = false;
    // One more than wanted, so that `count` files with a path each make a page of `count`.
    std::size_t limit = count + 1;
    std::size_t whole = whole_paths(count, limit, last);
    while (whole == 0 && !last)
        whole = whole_paths(count, limit *= 4, last);
    if (whole == 0) return false;
    std::string path;
    (*visit_)(after_, whole, [&](const tail::file_view& file) {
        path = file.path;
        each(file);
    });
    after_ = std::move(path);
    return !last;
}

}  // namespace logagent::agent

#include "cli/replay_target.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>

#include "cli/configuration.hpp"
#include "logagent/agent/config_state.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/fleet/logconfig.hpp"

namespace logagent::cli {

namespace {

constexpr std::size_t most_copy_bytes = 512u << 20;

bool reads(const fleet::log_target& target, const std::string& path) {
    if (!target.is_glob()) return target.log_path == path;
    return base::glob_matches(target.log_path, path) && !fleet::excludes(target, path);
}

auto rank(const fleet::log_target& target) {
    return std::tuple{!target.is_glob(), base::glob_literal_prefix(target.log_path).size()};
}

std::set<std::string> known_topics(const checkpoint::state& known, const std::string& path) {
    std::set<std::string> out;
    for (const auto& [key, position] : known.positions) {
        const auto generation = known.generations.find(key.first);
        if (generation != known.generations.end() && generation->second.path == path)
            out.insert(key.second.str());
    }
    return out;
}

std::string same_topic(const std::set<std::string>& topics, const std::string& path) {
    if (topics.size() == 1) return *topics.begin();
    if (topics.empty())
        throw usage_error{"--same-topic: nothing is known about where the lines of " +
                          base::visible(path, 300) + " went; give --topic"};
    std::string all;
    for (const auto& topic : topics)
        all += (all.empty() ? "" : ", ") + topic;
    throw usage_error{"--same-topic: the lines of " + base::visible(path, 300) +
                      " went to several topics (" + all + "); give one of them as --topic"};
}

}  // namespace

std::vector<fleet::log_target> last_targets(const agent::settings& settings,
                                            std::vector<std::string>& notes) {
    const auto text = read_file(settings.state_dir + "/last_good.json", most_copy_bytes);
    if (!text) return {};
    agent::config_state state{
        {"*"}, [&](const std::string& address) { return settings.watch_key(address); }};
    const auto loaded = state.load(*text, std::chrono::steady_clock::now());
    if (!loaded) {
        notes.push_back(loaded.error().text);
        return {};
    }
    return state.outcome().targets;
}

replay_target choose_target(const replay_order& order, std::span<const fleet::log_target> targets,
                            const checkpoint::state& known) {
    const auto& path = order.request.path;
    std::vector<const fleet::log_target*> candidates;
    for (const auto& target : targets)
        if (reads(target, path)) candidates.push_back(&target);
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto* left, const auto* right) {
        return rank(*left) > rank(*right);
    });

    replay_target out;
    std::string topic = order.topic;
    if (topic.empty()) {
        std::set<std::string> topics;
        for (const auto* candidate : candidates)
            topics.insert(candidate->topic);
        topic = same_topic(candidates.empty() ? known_topics(known, path) : topics, path);
    }
    const auto same = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const auto* one) { return one->topic == topic; });
    if (!candidates.empty()) {
        const auto& chosen = same == candidates.end() ? *candidates.front() : **same;
        out.target = chosen;
        out.origin =
            "target " + chosen.log_path + " into " + chosen.topic + ", service " + chosen.service;
    } else {
        out.target.log_path = path;
        out.target.service = order.service;
        out.origin = "no target, raw lines, service " + order.service;
        out.notes.push_back(
            "no target of this path is known, so records are as of agent --file with --service " +
            order.service);
    }
    out.target.topic = topic;
    out.target.send_rate = order.rate;
    out.target.send_rate_bytes = 0;
    return out;
}

std::function<bool(std::string_view)> record_beginnings(const fleet::log_target& target) {
    if (!target.multiline) return {};
    // As the agent matches it: bytes as they are, since a line need not be UTF-8.
    RE2::Options quiet{RE2::Latin1};
    quiet.set_log_errors(false);
    const auto pattern = std::make_shared<RE2>(target.multiline->start, quiet);
    if (!pattern->ok()) return {};
    return [pattern](std::string_view line) {
        return RE2::PartialMatch(re2::StringPiece{line.data(), line.size()}, *pattern);
    };
}

}  // namespace logagent::cli

#include "logagent/agent/config_state.hpp"

#include <algorithm>
#include <set>

#include "logagent/base/glob.hpp"
#include "logagent/base/json.hpp"

namespace logagent::agent {

namespace {

constexpr std::string_view dead_letter_suffix = ".dead";

/// The entry that a pointer leads into, if it is one of `document`.
const fleet::log_target* target_at(const fleet::parsed_logconfig& document,
                                   const std::string& pointer) {
    for (std::size_t i = 0; i < document.targets.size(); ++i)
        if (pointer == "/" + std::to_string(document.indexes[i])) return &document.targets[i];
    return nullptr;
}

}  // namespace

std::string targets_hash(const std::vector<fleet::log_target>& targets) {
    return fleet::content_hash(fleet::canonical_logconfig(targets));
}

config_state::config_state(std::vector<std::string> allow_topics, key_name key_of)
    : allow_topics_{std::move(allow_topics)}, key_of_{std::move(key_of)} {}

std::chrono::seconds config_state::address_document::lost_for(time_point now) const {
    return lost_before + std::chrono::duration_cast<std::chrono::seconds>(now - lost_at);
}

bool config_state::addresses(const std::vector<std::string>& now_there, time_point now) {
    bool differs = false;
    for (auto next = documents_.begin(); next != documents_.end();) {
        const auto current = next++;
        auto& document = current->second;
        const bool there = std::ranges::find(now_there, current->first) != now_there.end();
        if (there != document.lost) {
            if (document.lost && document.lost_for(now) >= lost_address_kept) {
                documents_.erase(current);
                differs = true;
            }
            continue;
        }
        differs = true;
        document.lost = !there;
        document.lost_at = now;
        document.lost_before = {};
        document.broken.reset();
        if (!there && (!document.good || document.good->targets.empty())) documents_.erase(current);
    }
    if (differs) yield_to_present();
    return differs;
}

void config_state::snapshot(std::uint64_t cluster, std::int64_t revision,
                            const std::vector<config_entry>& entries) {
    const bool other_past = cluster_ != 0 && (cluster != cluster_ || revision < seen_);
    if (other_past) other_history_ = true;
    cluster_ = cluster;
    seen_ = revision;

    std::set<std::string_view> shown;
    for (const auto& entry : entries) {
        shown.insert(entry.address);
        accept(entry);
    }

    for (auto next = documents_.begin(); next != documents_.end();) {
        const auto current = next++;
        auto& document = current->second;
        if (document.lost || shown.contains(current->first)) continue;
        if (!document.good || document.good->targets.empty()) {
            documents_.erase(current);
            continue;
        }
        document.vanished = true;
        document.broken.reset();
    }
    yield_to_present();
}

void config_state::put(const config_entry& entry) {
    seen_ = std::max(seen_, entry.revision);
    accept(entry);
    yield_to_present();
}

void config_state::removed(const std::string& address, std::int64_t revision) {
    seen_ = std::max(seen_, revision);
    reached(revision);
    documents_.erase(address);
}

bool config_state::forget_vanished() {
    return std::erase_if(documents_, [](const auto& one) { return one.second.vanished; }) > 0;
}

bool config_state::has_lost_addresses() const {
    return std::ranges::any_of(documents_, [](const auto& one) { return one.second.lost; });
}

void config_state::accept(const config_entry& entry) {
    auto parsed = fleet::parse_logconfig(entry.value);
    auto& document = documents_[entry.address];
    document.lost = false;
    document.vanished = false;
    if (parsed.broken) {
        document.broken = broken_value{entry.revision, std::move(parsed.errors)};
        return;
    }
    refuse_topics(parsed);
    document.text = entry.value;
    document.revision = entry.revision;
    document.good = std::move(parsed);
    document.broken.reset();
    reached(entry.revision);
}

/// What was applied is now of this revision.
void config_state::reached(std::int64_t revision) {
    revision_ = other_history_ ? revision : std::max(revision_, revision);
    other_history_ = false;
    known_ = true;
}

bool topic_allowed(std::span<const std::string> allow_topics, std::string_view topic) {
    const auto allowed = [&](std::string_view name) {
        return std::ranges::any_of(
            allow_topics, [&](const auto& glob) { return base::glob_matches(glob, name); });
    };
    if (allowed(topic)) return true;
    if (!topic.ends_with(dead_letter_suffix)) return false;
    topic.remove_suffix(dead_letter_suffix.size());
    return allowed(topic);
}

void config_state::refuse_topics(fleet::parsed_logconfig& parsed) const {
    fleet::parsed_logconfig out;
    out.errors = std::move(parsed.errors);
    for (std::size_t i = 0; i < parsed.targets.size(); ++i) {
        auto& target = parsed.targets[i];
        if (topic_allowed(allow_topics_, target.topic)) {
            out.targets.push_back(std::move(target));
            out.indexes.push_back(parsed.indexes[i]);
            continue;
        }
        std::string pointer;
        base::append_pointer(pointer, parsed.indexes[i]);
        base::append_pointer(pointer, "topic");
        out.errors.push_back({std::move(pointer), "topic_not_allowed",
                              "'" + target.topic +
                                  "' is outside allow_topics of this host's agent.ini; the entry "
                                  "is refused"});
    }
    parsed = std::move(out);
}

/// Takes from the lost addresses what a present one names: for good, so that it does not come back
/// when the present one drops it.
void config_state::yield_to_present() {
    std::set<std::pair<std::string_view, std::string_view>> named;
    for (const auto& [address, document] : documents_)
        if (!document.lost && document.good)
            for (const auto& target : document.good->targets)
                named.insert({target.log_path, target.topic});

    for (auto next = documents_.begin(); next != documents_.end();) {
        const auto current = next++;
        auto& document = current->second;
        if (!document.lost || !document.good) continue;
        std::vector<fleet::log_target> left;
        for (const auto& target : document.good->targets)
            if (!named.contains({target.log_path, target.topic})) left.push_back(target);
        if (left.size() == document.good->targets.size()) continue;
        if (left.empty()) {
            documents_.erase(current);
            continue;
        }
        document.text = fleet::canonical_logconfig(left);
        document.good = fleet::parse_logconfig(document.text);
    }
}

config_report::error config_state::told(const std::string& address,
                                        const fleet::entry_error& error) const {
    config_report::error out{key_of_(address), error.pointer, error.code, error.text};
    const auto found = documents_.find(address);
    if (error.code != "conflict" || !found->second.good) return out;
    // The pointer alone does not say which file has lost.
    if (const auto* target = target_at(*found->second.good, error.pointer))
        out.detail += ": " + target->log_path + " to " + target->topic;
    return out;
}

config_outcome config_state::outcome() const {
    config_outcome out;
    out.known = known_;
    out.revision = revision_;
    std::vector<fleet::addressed_logconfig> good;
    for (const auto& [address, document] : documents_) {
        if (document.good) good.push_back({address, *document.good});
        if (!document.broken) continue;
        out.failed = true;
        out.failed_revision = std::max(out.failed_revision, document.broken->revision);
        for (const auto& error : document.broken->errors)
            out.errors.push_back(told(address, error));
    }
    auto merged = fleet::merge(std::move(good));
    for (const auto& [address, error] : merged.errors)
        out.errors.push_back(told(address, error));
    out.targets = std::move(merged.targets);
    out.hash = targets_hash(out.targets);
    add_problems(out);
    return out;
}

void config_state::add_problems(config_outcome& out) const {
    for (const auto& [address, document] : documents_) {
        const auto key = key_of_(address);
        if (document.broken)
            out.problems.emplace_back("config_broken",
                                      key + " holds no valid document since revision " +
                                          std::to_string(document.broken->revision) +
                                          "; what was applied before goes on");
        if (document.vanished)
            out.problems.emplace_back(
                "config_vanished",
                key +
                    " is not in etcd, and its deletion was not seen (was the cluster wiped?); its "
                    "targets of revision " +
                    std::to_string(document.revision) +
                    " go on. Put the value again, or [] to stop them, or send the command forget");
        if (document.lost)
            out.problems.emplace_back("address_lost",
                                      "this host has not the address " + address +
                                          " any more; the targets of " + key +
                                          " go on for a day, or until another key names them");
    }
}

}  // namespace logagent::agent

#include "etcd/applied.hpp"

#include <algorithm>

namespace logagent::etcd {

applied::applied(std::vector<key_range> ranges, std::uint64_t known_cluster_id,
                 std::int64_t known_revision)
    : ranges_{std::move(ranges)},
      states_(ranges_.size()),
      cluster_id_{known_cluster_id},
      known_revision_{known_revision} {}

bool applied::older(const header& read) const {
    return read.cluster_id == cluster_id_ && read.revision < revision();
}

bool applied::continues(const header& created) const {
    return created.cluster_id == cluster_id_ && created.revision >= revision();
}

void applied::snapshot(const header& read, const std::vector<std::vector<key_value>>& keys) {
    cluster_id_ = read.cluster_id;
    known_revision_ = read.revision;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        states_[i] = {};
        states_[i].complete = read.revision;
        for (const auto& one : keys[i])
            states_[i].keys[one.key] = one.mod_revision;
    }
}

bool applied::take(std::size_t range, const event& change) {
    state& now = states_[range];
    const auto revision = change.entry.mod_revision;
    if (revision <= now.complete) return false;
    const auto known = now.keys.find(change.entry.key);
    if (known != now.keys.end() && revision < known->second) return false;
    now.newest = std::max(now.newest, revision);
    if (change.what == event::kind::removed)
        now.keys.erase(change.entry.key);
    else
        now.keys[change.entry.key] = revision;
    return true;
}

void applied::message_done(std::size_t range, bool fragment) {
    state& now = states_[range];
    now.complete = std::max(now.complete, fragment ? now.newest - 1 : now.newest);
}

std::int64_t applied::revision() const {
    std::int64_t newest = known_revision_;
    for (const auto& one : states_)
        newest = std::max(newest, one.complete);
    return newest;
}

std::vector<operation> applied::questions() const {
    std::vector<operation> asked;
    for (const auto& range : ranges_) {
        operation newest;
        newest.keys = range;
        newest.options.keys_only = true;
        if (range.prefix) {
            newest.options.limit = 1;
            newest.options.newest_first = true;
        }
        asked.push_back(newest);
        if (!range.prefix) continue;
        operation count;
        count.keys = range;
        count.options.count_only = true;
        asked.push_back(count);
    }
    return asked;
}

applied::verdict applied::compare(const txn_result& answer, std::int64_t asked_at) const {
    if (answer.header.cluster_id != cluster_id_ || answer.header.revision < asked_at)
        return verdict::other_past;
    std::size_t next = 0;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        const std::size_t parts = ranges_[i].prefix ? 2 : 1;
        if (next + parts > answer.answers.size()) return verdict::differs;
        const auto* count = ranges_[i].prefix ? &answer.answers[next + 1] : nullptr;
        if (differs(i, answer.answers[next], count, answer.header.revision))
            return verdict::differs;
        next += parts;
    }
    return verdict::same;
}

bool applied::differs(std::size_t range, const range_result& newest, const range_result* count,
                      std::int64_t at) const {
    const state& now = states_[range];
    const auto there = newest.keys.empty() ? 0 : newest.keys.front().mod_revision;
    if (there > now.complete) return true;
    // What came after the question was answered would look like a difference.
    if (now.complete > at) return false;
    if (count != nullptr) return count->count != static_cast<std::int64_t>(now.keys.size());
    const auto known = now.keys.empty() ? 0 : now.keys.begin()->second;
    return there != known;
}

}  // namespace logagent::etcd

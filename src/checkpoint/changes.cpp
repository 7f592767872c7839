#include "checkpoint/changes.hpp"

#include "checkpoint/apply.hpp"

namespace logagent::checkpoint {

void changes::remove(state& state, const generation_id& id) {
    const auto [begin, end] = positions_of(state, id);
    for (auto position = begin; position != end; ++position)
        positions_.erase(&position->second);
    const auto generation = state.generations.find(id);
    if (generation != state.generations.end()) generations_.erase(&generation->second);
    removed_.insert(id);
}

void changes::remove_target(state& state, const state::target_key& key) {
    const auto target = state.targets.find(key);
    if (target != state.targets.end()) targets_.erase(&target->second);
    removed_targets_.insert(key);
}

bool changes::empty() const noexcept {
    return generations_.empty() && positions_.empty() && targets_.empty() && losses_.empty() &&
           removed_.empty() && removed_targets_.empty();
}

void changes::encode(frame_writer& out, const byte_counts& retired) const {
    out.reserve(removed_.size() + generations_.size() + positions_.size());
    for (const auto& id : removed_)
        out.add_removed(id, retired);
    for (const auto& key : removed_targets_)
        out.add_removed(key);
    for (const auto* record : generations_)
        out.add(*record);
    for (const auto* record : positions_)
        out.add(*record);
    for (const auto* record : targets_)
        out.add(*record);
    for (const auto* record : losses_)
        out.add(*record);
}

}  // namespace logagent::checkpoint

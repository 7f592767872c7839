#pragma once

#include <set>
#include <unordered_set>

#include "checkpoint/record.hpp"
#include "logagent/checkpoint/state.hpp"

namespace logagent::checkpoint {

/// What differs between the state in memory and a file. Points into the maps of that state, whose
/// nodes stay where they are.
class changes {
public:
    void put(const generation_record& record) { generations_.insert(&record); }
    void put(const position_record& record) { positions_.insert(&record); }
    void put(const target_record& record) { targets_.insert(&record); }
    void put(const loss_record& record) { losses_.insert(&record); }

    /// Before the generation leaves the state.
    void remove(state& state, const generation_id& id);
    /// Before the record leaves the state. A reader forgets it by itself.
    void forget(const loss_record& record) { losses_.erase(&record); }
    void remove_target(state& state, const state::target_key& key);

    bool empty() const noexcept;
    void clear() { *this = {}; }

    /// Removals first: what is put after a removal has to stay.
    void encode(frame_writer& out, const byte_counts& retired) const;

private:
    std::unordered_set<const generation_record*> generations_;
    std::unordered_set<const position_record*> positions_;
    std::unordered_set<const target_record*> targets_;
    std::unordered_set<const loss_record*> losses_;
    std::set<generation_id> removed_;
    std::set<state::target_key> removed_targets_;
};

}  // namespace logagent::checkpoint

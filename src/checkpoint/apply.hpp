#pragma once

#include "logagent/checkpoint/state.hpp"

namespace logagent::checkpoint {

/// The positions of one generation, as a half-open range of state::positions.
inline auto positions_of(state& state, const generation_id& id) {
    auto begin = state.positions.lower_bound({id, {}});
    auto end = begin;
    while (end != state.positions.end() && end->first.first == id)
        ++end;
    return std::pair{begin, end};
}

/// Forgets a generation and its positions, without counting anything.
inline void erase_generation(state& state, const generation_id& id) {
    const auto [begin, end] = positions_of(state, id);
    state.positions.erase(begin, end);
    state.generations.erase(id);
}

/// Adds what the positions of a generation have settled to the figures of the retired ones.
inline void retire_counts(state& state, const generation_id& id) {
    const auto [begin, end] = positions_of(state, id);
    for (auto position = begin; position != end; ++position) {
        for (std::size_t i = 0; i < byte_classes; ++i)
            state.retired[i] += position->second.counts[i];
    }
}

/// Adds to the newest record where it is about the same thing, otherwise a new one.
inline loss_record& add_loss(state& state, const loss_record& loss) {
    if (!state.losses.empty()) {
        loss_record& last = state.losses.rbegin()->second;
        if (last.generation == loss.generation && last.topic == loss.topic &&
            last.kind == loss.kind && last.reason == loss.reason &&
            last.where.end <= loss.where.begin) {
            last.where.end = loss.where.end;
            last.bytes += loss.bytes;
            last.at_ms = loss.at_ms;
            return last;
        }
    }
    const auto number = state.losses.empty() ? 1 : state.losses.rbegin()->first + 1;
    loss_record& added = state.losses[number];
    added = loss;
    added.number = number;
    return added;
}

/// Whether the oldest record is beyond the limit.
inline bool too_many_losses(const state& state) {
    return state.losses.size() > most_losses;
}

inline void forget_old_losses(state& state) {
    while (too_many_losses(state))
        state.losses.erase(state.losses.begin());
}

}  // namespace logagent::checkpoint

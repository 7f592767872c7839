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

}  // namespace logagent::checkpoint

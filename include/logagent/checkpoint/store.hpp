#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "logagent/checkpoint/state.hpp"

namespace logagent::checkpoint {

/// The positions as the tailing code sees them: reads them at start, reports every change.
///
/// put() and remove() change state() at once and mark the change as unwritten; nothing here waits.
/// Durability is the journal's business (checkpoint::journal), driven by the agent.
class store {
public:
    virtual ~store() = default;

    virtual const checkpoint::state& state() const = 0;

    virtual void put(const generation_record& record) = 0;
    virtual void put(const position_record& record) = 0;
    virtual void put(const target_record& record) = 0;

    /// Forgets a generation with all its positions; their byte counts go to state().retired.
    virtual void remove(const generation_id& id) = 0;
    /// Adds to the loss ledger; `loss.number` is given here.
    virtual void note(const loss_record& loss) = 0;
    virtual void remove_target(const std::string& log_path, const std::string& topic) = 0;

    /// Hands every unwritten change to the kernel (no fsync): from here on it survives the process,
    /// though not yet the machine. Called before the first record of a new generation is sent.
    /// Returns false where the disk refuses; the change stays unwritten and is tried again.
    virtual bool write() = 0;
};

}  // namespace logagent::checkpoint

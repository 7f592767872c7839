#include "logagent/checkpoint/journal.hpp"
#include "checkpoint/recovery.hpp"
#include "fuzz/fuzz.hpp"

namespace checkpoint = logagent::checkpoint;

/// The journal after a crash, a bad disk, or an attacker: the longest valid run, or a reason. The
/// checksum stops most inputs, so records are also played directly.
void fuzz_one(std::string_view bytes) {
    try {
        const auto found = checkpoint::recover(bytes, "journal");
        require(found.good_size <= bytes.size() && found.snapshot_size <= found.good_size);
    } catch (const checkpoint::unusable_state& refused) {
        require(*refused.what() != '\0');
    }
    checkpoint::state state;
    checkpoint::replay(bytes, state);
}

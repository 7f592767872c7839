#include "logagent/checkpoint/read_state.hpp"

#include <cerrno>
#include <cstring>

#include "checkpoint/recovery.hpp"

namespace logagent::checkpoint {

std::optional<state> read_state(os::journal_files& files, std::string& why) {
    why = "there is no positions.journal";
    // While a new file takes the place of the old one, there may be only the previous one.
    for (const std::string name :
         {"positions.journal", "positions.journal.previous", "positions.journal"}) {
        std::string bytes;
        const int error = files.read(name, bytes);
        if (error == ENOENT) continue;
        if (error != 0) {
            why = name + " cannot be read: " + std::strerror(error);
            continue;
        }
        auto found = recover(bytes, name);
        if (found.damage.empty()) return std::move(found.state);
        why = name + " cannot be used: " + found.damage;
    }
    return std::nullopt;
}

}  // namespace logagent::checkpoint

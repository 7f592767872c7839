#pragma once

#include <string>
#include <vector>

#include "logagent/kafka/settings.hpp"
#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

struct transfer_options {
    transfer::settings settings;
    kafka::settings kafka;  // checked; holds secrets
    std::vector<refused_section> refused;
    bool keeps_state = true;  // false: state_dir is not touched, where no route needs it
    bool to_its_end = false;  // stop when everything that was there is settled
};

/// Runs `logagent transfer` until SIGTERM or SIGINT. Returns the exit code: 0 everything that was
/// read is settled, 1 failed while running, 2 configuration, 3 stopped at the deadline with records
/// pending, which are read again at the next start.
int run_transfer(transfer_options options);

}  // namespace logagent::transfer

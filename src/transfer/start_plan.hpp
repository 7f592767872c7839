#pragma once

#include <cstdint>
#include <string>

#include "commit_note.hpp"
#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

/// What is known about a partition before it is read.
struct partition_facts {
    std::int64_t committed = -1;     // of the group; -1 = never
    commit_note note;                // of that commit
    std::string topic_id;            // of the topic as it is; empty = unknown
    std::int64_t oldest = 0;         // the first offset that is still there
    std::int64_t newest = 0;         // behind the last record
    std::int64_t at_time = -1;       // for a `from` with a time; -1 = no record is so young
    bool group_knows_topic = false;  // some partition of this life of the topic was committed
};

/// Where reading begins.
struct partition_start {
    std::int64_t next = 0;
    std::int64_t newest = 0;       // behind the last record, now
    std::string sink_note;         // of the last commit
    std::uint64_t lost = 0;        // records that retention deleted before they were read
    bool topic_made_anew = false;  // the commit was of a topic that is no more
    bool chosen = false;           // by `from`: should be committed at once, or it moves
};

partition_start choose_start(const partition_facts& known, const start_point& from);

}  // namespace logagent::transfer

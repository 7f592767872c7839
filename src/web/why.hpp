#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rate_store.hpp"

namespace logagent::web {

/// An entry of a definition, or of a host's key, that reaches the path in question.
struct why_entry {
    std::string service;
    std::string log_path;
    std::string topic;
    bool enabled = true;    // its service is
    bool selected = true;   // its service is for this host
    bool excluded = false;  // its `exclude` has the path
};

/// A route of transfer that reads the topic, with what it makes of the topic's records.
struct why_route {
    std::string name;
    std::string sink;
    std::string state;   // as the list of routes has it
    std::string detail;  // why
    std::optional<std::int64_t> lag;
    std::optional<double> lag_s;  // until it is gone
    double oldest_s = 0;          // age of the oldest record that is not final
    std::uint64_t rejected = 0;   // records of the topic that the sink refused
    std::string rejected_as;      // a short code, of the last one
    std::string rejected_at;      // when
};

/// All that decides whether lines of one file of one host arrive.
struct why_facts {
    std::string host;
    std::string path;

    bool known = false;   // the host has a status or a document
    bool online = false;  // its agent's lease lives
    std::string since;    // when that has changed

    std::vector<why_entry> defined;  // of all services

    bool key_read = false;                                   // the following is known
    std::string key;                                         // that the host's targets stand in
    std::int64_t key_revision = 0;                           // 0 = there is no such key
    std::vector<std::pair<std::size_t, why_entry>> written;  // index in the array, entry

    std::string config_state;  // "applied", "failed", "waiting"; empty = not told
    std::int64_t applied_revision = 0;
    std::string failure;  // why it was refused as a whole
    struct refusal {
        std::string pointer;  // "/3/topic"
        std::string code;
        std::string detail;
    };
    std::vector<refusal> refusals;

    std::string file_state;  // as the agent has told; empty = it has not named the file
    std::string file_error;
    std::optional<bool>
        listed;  // the agent found a file there that may be read; nothing = not asked
    std::string listing_failed;  // why it could not be asked

    std::optional<file_rate> figures;  // not older than half a minute

    std::vector<std::pair<std::string, std::string>> problems;  // of the agent: code, text

    bool transfer_known = false;    // there is a process of transfer, or a route in etcd
    std::vector<why_route> routes;  // those that read the topic
};

/// One step from a definition to what people look at.
struct why_step {
    enum class state : std::uint8_t { ok, broken, unknown, skipped };

    std::string step;
    state found = state::unknown;
    std::string code;    // stable: what is broken or not known; empty where all is well
    std::string text;    // what was found
    std::string remedy;  // what to do; empty where all is well
};

/// The steps in order: rendered, applied, allowed, exists, readable, moving, throttled, topic,
/// transfer, sink. What follows the first broken one is skipped. Pure.
std::vector<why_step> trace(const why_facts& facts);

/// The entry that the way is followed for: that of the host's key, or the first definition.
const why_entry* followed_entry(const why_facts& facts);

}  // namespace logagent::web

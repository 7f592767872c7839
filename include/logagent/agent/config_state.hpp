#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logagent/agent/config_report.hpp"
#include "logagent/base/error.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "logagent/fleet/merge.hpp"

namespace logagent::agent {

/// The value of one address's key.
struct config_entry {
    std::string address;
    std::string value;
    std::int64_t revision = 0;  // in which it was put
};

/// What all documents together mean.
struct config_outcome {
    bool known = false;   // a document, or the deletion of one, was seen: targets mean something
    bool failed = false;  // a key holds a broken document; what it held before goes on
    std::vector<fleet::log_target> targets;
    std::int64_t revision = 0;         // the newest that `targets` come from
    std::int64_t failed_revision = 0;  // of the newest broken document
    std::string hash;                  // of `targets`, 16 hex digits
    std::vector<config_report::error> errors;
    std::vector<std::pair<std::string, std::string>> problems;  // {code, text}
};

/// Hash of a set of targets: XXH3 of its canonical form, 16 hex digits.
std::string targets_hash(const std::vector<fleet::log_target>& targets);

/// Whether `allow_topics` lets lines go there; a dead letter topic is covered by its topic.
bool topic_allowed(std::span<const std::string> allow_topics, std::string_view topic);

/// What the keys of this host's addresses have said, and what is to be collected because of it.
///
/// Only a deletion that was seen, or `[]`, stops a target. A key that a snapshot does not show may
/// be gone because the whole cluster was wiped: its last document goes on, with the problem
/// `config_vanished`. A broken document changes nothing; a bad entry is refused alone. An address
/// that this host has lost keeps its targets for a day, or until another key names them. Pure.
class config_state {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using key_name = std::function<std::string(const std::string& address)>;

    static constexpr std::chrono::hours lost_address_kept{24};

    /// `key_of` names the key of an address, for errors and for recognizing the saved copy.
    config_state(std::vector<std::string> allow_topics, key_name key_of);

    /// The addresses the host has now; also lets the day of lost ones pass. Returns whether the
    /// outcome may differ.
    bool addresses(const std::vector<std::string>& now_there, time_point now);

    /// Everything that the keys of the host's addresses hold at `revision`.
    void snapshot(std::uint64_t cluster, std::int64_t revision,
                  const std::vector<config_entry>& entries);
    void put(const config_entry& entry);
    /// The key of this address was deleted, and that was seen.
    void removed(const std::string& address, std::int64_t revision);

    /// Gives up documents that only vanished (the operator's word that they are to stop). False:
    /// there are none.
    bool forget_vanished();

    config_outcome outcome() const;

    std::uint64_t cluster_id() const noexcept { return cluster_; }
    /// The newest revision of etcd that was seen.
    std::int64_t seen_revision() const noexcept { return seen_; }
    bool has_lost_addresses() const;
    bool empty() const noexcept { return documents_.empty(); }

    /// The last good configuration as text, to be kept; load() takes it back.
    std::string save(time_point now) const;
    /// Code "corrupt" if this is not what save() wrote, "foreign" if it is of other keys; then
    /// nothing has changed. Before the first snapshot; addresses() has to be called again after it.
    base::result<void> load(std::string_view text, time_point now);

private:
    struct broken_value {
        std::int64_t revision = 0;
        std::vector<fleet::entry_error> errors;
    };

    /// What one address says. `good` is empty while only broken values were seen.
    struct address_document {
        std::string text;  // the last good value
        std::int64_t revision = 0;
        std::optional<fleet::parsed_logconfig> good;
        std::optional<broken_value> broken;  // newer than the good one
        bool vanished = false;
        bool lost = false;                    // the host has not this address any more
        time_point lost_at{};                 // in this run
        std::chrono::seconds lost_before{0};  // in runs before this one

        std::chrono::seconds lost_for(time_point now) const;
    };

    void accept(const config_entry& entry);
    void reached(std::int64_t revision);
    void refuse_topics(fleet::parsed_logconfig& parsed) const;
    void yield_to_present();
    void add_problems(config_outcome& out) const;
    config_report::error told(const std::string& address, const fleet::entry_error& error) const;

    std::vector<std::string> allow_topics_;
    key_name key_of_;
    std::map<std::string, address_document> documents_;  // by address
    std::uint64_t cluster_ = 0;
    std::int64_t seen_ = 0;
    std::int64_t revision_ = 0;  // of what is applied: good values and deletions
    // The cluster was wiped or restored since: revisions do not compare with revision_.
    bool other_history_ = false;
    bool known_ = false;
};

}  // namespace logagent::agent

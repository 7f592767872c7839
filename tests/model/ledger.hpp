#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "truth.hpp"

namespace logagent::test {

/// The loss ledger and the byte classes of the positions, held against what is known to have become
/// of every byte.
///
/// A claim is a record of truncated_away, vanished, stopped or abandoned bytes. It must be true:
/// - none of the bytes lies in a file, a copy or a compressed file that the agent can find;
/// - it ends where the life ends at the latest;
/// - it begins behind everything that this process was told to be in Kafka, or the one before it
///   and wrote into the journal, without a gap before it. What cannot be known may be claimed: a
///   copy whose report never came (the process or its client died, or the report was a failure), a
///   line that was sent once more with others that had failed and is not answered again yet,
///   and what lies behind a line that is not in Kafka or was sent together with one, because a
///   position is an unbroken prefix of what was handed over at once: reports count lines, they do
///   not name them.
/// Where line ends and spaces are all that is known of the beginning, neither a copy nor the next
/// life of the same file can be told from it, so that the same bytes may be sent as two
/// generations; only the third condition holds there, for what was sent as this one.
/// And no loss may be missing: of each generation that the journal knows, every line that lies
/// within the largest size the agent took down is in Kafka, left out on purpose, or in a claim.
/// What was written after the agent's last look, and is gone before the next, nobody could count.
class ledger {
public:
    explicit ledger(truth& known) : known_{known} {}

    /// The generations of one kind; the counts of its position are what the records add up to.
    void check_counts(const std::string& generation, const std::string& topic,
                      const checkpoint::byte_counts& counts) const;

    // What the agent is told and what it writes down.
    void delivered(const stored_record& record);
    void put(const checkpoint::generation_record& record);
    void put(const checkpoint::position_record& record);
    void seen(const std::string& generation, std::uint64_t size);
    void noted(const checkpoint::loss_record& loss);
    /// `wanted`: by a target that is applied.
    void forgotten(const checkpoint::position_record& last, bool wanted) const;
    /// At the end nothing may be unread, but for a line that has no end yet.
    void check_finished(const checkpoint::position_record& last) const;
    void process_began(const checkpoint::state& kept, bool crashed);
    /// Deleted files may be given up in this process.
    void deleted_are_limited() { limited_ = true; }

    /// With everything healed and read.
    void check_complete() const;

private:
    struct claim {
        std::string topic;
        checkpoint::byte_class kind;
        checkpoint::range where;
        std::uint64_t bytes;
    };

    std::size_t life_of(const std::string& generation) const;
    /// Its known beginning is more than line ends and spaces.
    bool telling(const std::string& generation, const truth::life& in) const;
    std::uint64_t known_to(std::size_t life, const claim& of, const std::string& generation) const;
    bool claimed(const std::string& generation, const truth::line& which) const;
    void check_true(const std::string& generation, const claim& of) const;

    truth& known_;
    std::uint64_t process_ = 1;
    bool limited_ = false;
    std::map<std::string, std::size_t> recorded_as_;  // generations of which nothing was sent yet
    std::map<std::string, std::uint32_t> heads_;      // how much of them is known
    std::map<std::string, std::vector<claim>> claims_;
    std::map<std::string, std::uint64_t> sizes_;
    std::map<std::pair<std::string, std::string>, std::uint64_t> kept_to_;  // when it began
};

}  // namespace logagent::test

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logagent/base/shared_text.hpp"

namespace logagent::checkpoint {

/// Names one life of one file: 128 random bits. The same after a restart, another one after
/// truncation or reuse of the inode.
struct generation_id {
    std::array<std::uint8_t, 16> bits{};

    /// 22 characters of base64url, as it stands in record keys.
    std::string text() const;
    static bool parse(std::string_view text, generation_id& out);
    /// From the kernel's random source.
    static generation_id random();

    auto operator<=>(const generation_id&) const = default;
};

/// How a file is known again: what the kernel says of the inode, and what its first bytes were.
struct file_identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t inode_generation = 0;  // 0 = not available
    std::int64_t birth_time = 0;         // ns; 0 = not available
    std::uint32_t head_size = 0;         // bytes hashed, at most 1024; grows with the file
    std::uint64_t head_hash = 0;         // XXH3-64 of them

    bool operator==(const file_identity&) const = default;
};

/// The bytes just before an offset, to see that they are still the same ones.
struct anchor {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;  // bytes before `offset`, at most 64
    std::uint64_t hash = 0;  // XXH3-64 of them

    bool operator==(const anchor&) const = default;
};

struct generation_record {
    generation_id id;
    base::shared_text path;  // where it was first seen; goes into record keys
    file_identity identity;
    std::int64_t first_seen_ms = 0;  // wall clock
    bool packed = false;  // the inode is that of the compressed file it became; the head is not

    bool operator==(const generation_record&) const = default;
};

/// Half-open range of byte offsets.
struct range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    bool operator==(const range&) const = default;
};

/// Byte classes of the loss ledger (DESIGN 4.5). The order is part of the journal's format.
enum class byte_class : std::uint8_t {
    skipped_at_start,
    acked,
    blank,
    filtered,
    cut,
    dead_letter,
    truncated_away,
    abandoned,
    vanished,
    stopped,
};
inline constexpr std::size_t byte_classes = 10;
using byte_counts = std::array<std::uint64_t, byte_classes>;

/// How far one generation has come on its way into one topic.
struct position_record {
    generation_id generation;
    base::shared_text topic;
    base::shared_text log_path;   // the target that reads it
    std::int32_t partition = -1;  // chosen at the first send; -1 = not yet, or spread
    // Settled ranges, sorted, disjoint; usually one. The first begins at 0 and may be empty;
    // between them lie holes, bytes that newer ones were sent before (`overload`).
    std::vector<range> done;
    std::uint64_t size = 0;                           // largest size seen
    checkpoint::anchor anchor;                        // at the end of the first settled range
    std::vector<checkpoint::anchor> later_anchors{};  // at the ends of the others, one each
    byte_counts counts{};                             // classes of the settled bytes

    /// Everything below is settled.
    std::uint64_t committed() const noexcept { return done.empty() ? 0 : done.front().end; }
    /// Where new lines are read from: behind the last hole.
    std::uint64_t newest() const noexcept { return done.empty() ? 0 : done.back().end; }
    /// Settled bytes, whatever became of them.
    std::uint64_t classed() const noexcept {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    }

    bool operator==(const position_record&) const = default;
};

/// A target that was applied once: files that did not exist then start at 0.
struct target_record {
    std::string log_path;
    std::string topic;
    std::int64_t applied_ms = 0;  // wall clock of the first application

    bool operator==(const target_record&) const = default;
};

/// Bytes that were not, or not wholly, delivered: one line of the loss ledger. Further bytes of the
/// same generation, topic, class and reason are added to the newest record, so a stream of cut
/// lines is one record.
struct loss_record {
    std::uint64_t number = 0;  // from 1, in the order of noting
    generation_id generation;
    std::string path;
    std::string topic;
    byte_class kind = byte_class::abandoned;
    range where;              // the bytes lie in this range, between others where `bytes` is less
    std::uint64_t bytes = 0;  // of that class
    std::int64_t at_ms = 0;   // wall clock of the last addition
    std::string reason;       // one line for people

    bool operator==(const loss_record&) const = default;
};

/// The newest loss records are kept, the figures of all are in the counts.
inline constexpr std::size_t most_losses = 1000;

/// Everything the journal holds.
struct state {
    using position_key = std::pair<generation_id, base::shared_text>;  // generation, topic
    using target_key = std::pair<std::string, std::string>;            // log_path, topic

    std::map<generation_id, generation_record> generations;
    std::map<position_key, position_record> positions;
    std::map<target_key, target_record> targets;
    std::map<std::uint64_t, loss_record> losses;  // by number
    byte_counts retired{};                        // classes of positions that were removed
    std::int64_t last_stop_ms = 0;  // wall clock of the last write before this start; 0 = new state
};

}  // namespace logagent::checkpoint

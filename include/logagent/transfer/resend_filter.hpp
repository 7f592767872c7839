#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::transfer {

/// The identity of an agent's record (DESIGN 4.4): which bytes of which life of a file.
struct record_identity {
    std::string_view generation;  // 22 base64url characters
    std::uint64_t start = 0;      // bytes [start, end)
    std::uint64_t end = 0;
};

/// Tells the records of one partition that repeat bytes which came shortly before: agents send
/// again what was not acknowledged, and replays send what was.
///
/// Whether a record is a repetition depends on the log alone, never on where reading began: exactly
/// the records of the last `window` offsets before its block of 1024 offsets count (and those of
/// the block itself). Who begins in the middle shows it the records from rebuild_from() on first,
/// and gets the same answers as who has read all along.
class resend_filter {
public:
    static constexpr std::int64_t block = 1024;

    /// `window` in offsets, rounded up to whole blocks; 0 = nothing is ever a repetition.
    explicit resend_filter(std::int64_t window) noexcept : blocks_{(window + block - 1) / block} {}

    /// Takes the record at `offset` into account (offsets rise) and says whether all its bytes came
    /// before. A record that repeats a part only is none: nothing may be hidden.
    bool repeats(std::int64_t offset, const record_identity& id);

    /// The offset of the first record that has to be shown before the one at `offset`.
    std::int64_t rebuild_from(std::int64_t offset) const noexcept;

    /// Ranges that are kept, for a bound on memory.
    std::size_t ranges() const noexcept;

private:
    struct range {
        std::uint64_t start;
        std::uint64_t end;
        std::int64_t in;  // the block
    };
    struct life {
        std::vector<range> ranges;   // in the order in which they came
        std::uint64_t most_end = 0;  // of all of them
    };
    using lives = std::map<std::string, life, std::less<>>;

    void forget_before(std::int64_t first_block);
    static bool covers(const life& known, std::uint64_t start, std::uint64_t end);

    std::int64_t blocks_;
    lives lives_;
    // Which lives have ranges in a block, oldest block first.
    std::deque<std::pair<std::int64_t, std::vector<lives::iterator>>> seen_;
};

}  // namespace logagent::transfer

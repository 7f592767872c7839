#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace logagent::selftest {

/// What became of the lines of one writer, or of all. Numbers are lines.
struct tally {
    std::uint64_t written = 0;
    std::uint64_t delivered = 0;     // at least once
    std::uint64_t after_kill = 0;    // second copies that a restarted agent sent
    std::uint64_t after_outage = 0;  // second copies of the same agent, around an outage
    std::uint64_t otherwise = 0;     // second copies with neither cause
    std::uint64_t other_id = 0;      // second copies under another generation than the first
    std::uint64_t cut = 0;   // not delivered; copytruncate removed them before anybody could copy
    std::uint64_t lost = 0;  // written, not delivered, not cut

    std::uint64_t again() const { return after_kill + after_outage + other_id + otherwise; }
    tally& operator+=(const tally& more);
};

/// A run of lines that is missing.
struct lost_range {
    std::uint32_t writer = 0;
    std::uint32_t life = 0;
    std::uint64_t first = 0;  // numbers of lines
    std::uint64_t last = 0;
    std::uint64_t start = 0;  // offsets in that life
    std::uint64_t end = 0;
};

/// The judgement on everything that was written and read so far.
struct verdict {
    std::vector<tally> writers;
    tally sum;
    std::uint64_t torn = 0;              // records that are no line that was written, as written
    std::vector<lost_range> lost;        // the first ones
    std::vector<std::string> torn_text;  // what was wrong with the first ones
    std::vector<std::string> other_ids;  // the first lives that have a second generation

    bool good() const { return sum.lost == 0 && torn == 0; }
};

}  // namespace logagent::selftest

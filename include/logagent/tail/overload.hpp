#pragma once

#include <cstddef>

namespace logagent::tail {

/// How a file of a `live_first` target stands between what is written into it and what may be sent.
struct pressure {
    double waiting_bytes = 0;      // written, and not read yet
    double limit_bytes_per_s = 0;  // that may be sent; 0 = no limit
    double seen_bytes_per_s = 0;   // that were sent over the last seconds
    double behind_s = 0;           // since the file was last read to its end
    std::size_t holes = 0;         // of the generation, still to be filled
};

/// Whether the reader leaves what is waiting for later and goes on with the newest lines.
///
/// It does so when the backlog takes more than 10 s to send. With a limit that is known beforehand.
/// Without one a backlog is usually gone in a moment, so the pace seen counts, 1 MiB/s at least,
/// and the file must have been behind for 10 s, as after an outage. A rotation that deletes what is
/// not read takes longer than that, so a threatening loss needs no rule of its own.
///
/// Behind a jump nothing waits, so there is no flapping; a file that is always written faster than
/// it may be sent jumps again and again. So that its holes stay few, for each of them is a range in
/// the journal, each eighth open hole doubles the 10 s, and with 64 there are no more jumps.
bool must_jump(const pressure& file) noexcept;

}  // namespace logagent::tail

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "logagent/checkpoint/state.hpp"
#include "logagent/delivery/chunk.hpp"
#include "logagent/delivery/rate_limit.hpp"
#include "logagent/kafka/error.hpp"

namespace logagent::delivery {

class lane;

/// Who may come back as the `batch` of a delivery report.
struct batch {
    enum class kind : std::uint8_t { lines, dead_letter };
    kind what;
};

/// Consecutive lines of one file that were read, and are sent, together. The unit of
/// acknowledgement: it counts the reports of its records and keeps the bytes until the window has
/// passed it, so that it can be sent again from memory.
struct run : batch {
    run() : batch{kind::lines} {}

    enum class state : std::uint8_t {
        unsent,  // to be sent, for the first time or again
        sent,    // reports are outstanding, or all came and were good
        failed,  // a record failed; others may still be outstanding
    };

    run* next = nullptr;           // in its window, in the order of the file
    void* owner = nullptr;         // the tailer
    lane* on = nullptr;            // the topic partition it was sent to
    chunk_ref bytes;               // what `text` points into
    std::vector<chunk_ref> built;  // values that differ from the file's bytes
    const char* text = nullptr;
    std::uint64_t begin = 0;  // file offsets; `end` is after the last line's end
    std::uint64_t end = 0;
    // Less than end - begin where an oversize line was cut while reading; 0: nothing to send.
    std::uint32_t text_size = 0;
    state now = state::unsent;
    bool careful = false;                    // a single line, sent by the second producer
    bool inside = false;                     // begins within a line that was split
    bool poisoned = false;                   // refused alone, and buried
    kafka::error code = kafka::error::none;  // of the first failure
    std::uint32_t records = 0;
    std::uint32_t pending = 0;         // reports to come, dead letters included
    std::uint32_t buried = 0;          // of those, dead letters
    std::uint64_t cost = 0;            // charged to the budget and the lane beside the chunk
    checkpoint::byte_counts counts{};  // classes of [begin, end), valid once it was sent
    time_point sent_at{};
};

/// The position below which everything of one file is stored downstream, and what lies above it.
///
/// Reports come in any order, but a checkpoint may cover only an unbroken prefix: after a crash
/// work resumes at committed(), so a gap below it would be a lost line (R-K8). A failure marks
/// everything from the hole on as unsent again, so that the last copies of all lines are in order.
class window {
public:
    explicit window(std::uint64_t committed = 0) noexcept : committed_{committed} {}
    ~window();
    window(const window&) = delete;
    window& operator=(const window&) = delete;

    /// Takes a run that begins where the last one ended (or at committed()). Owns it from now on.
    run& push(std::unique_ptr<run> added);

    /// Passes over what lies in front of `to`, which is not before committed(). Requires empty().
    void skip_to(std::uint64_t to) noexcept;

    /// First position that may not be stored. Never decreases.
    std::uint64_t committed() const noexcept { return committed_; }
    /// End of what was read into runs.
    std::uint64_t end() const noexcept { return last_ ? last_->end : committed_; }
    std::uint64_t in_flight() const noexcept { return end() - committed(); }
    bool empty() const noexcept { return first_ == nullptr; }

    /// The run to be sent next, or null. While a failed run's neighbours are still outstanding
    /// there is none: their reports must be in first, or an older copy could land behind a newer
    /// one.
    run* next_unsent() const noexcept;

    /// A record failed and nothing may be sent until rewind().
    bool broken() const noexcept { return failed_ > 0; }
    /// No report is outstanding.
    bool quiet() const noexcept { return outstanding_ == 0; }
    /// The first failed run, or null.
    run* first_failed() const noexcept;

    /// Cuts a run in two at a line's end; the second half is unsent and comes next.
    void split(run& which, std::uint64_t at, std::uint32_t text_size);

    /// `records` reports are to come for it, `dead_letters` of them of lines that are buried.
    void sent(run& which, std::uint32_t records, std::uint32_t dead_letters, time_point now);
    /// Nothing of it was taken after all.
    void unsend(run& which);
    /// `count` good reports for a run. Returns whether the run is settled with that.
    bool delivered(run& which, std::uint32_t count);
    /// One bad report.
    void failed(run& which, kafka::error code);
    /// All outstanding reports of the run but those of dead letters will never come.
    void abandon(run& which, kafka::error code);

    /// Marks the first failed run and everything after it as unsent. Requires quiet(). `each` sees
    /// every run that is marked. Runs that were good in front of the hole are not touched.
    template <class Each>
    void rewind(Each each);

    /// Takes the next run off the front if it is settled and good, and moves committed() over it.
    std::unique_ptr<run> take_settled();

    /// Visits all runs, oldest first.
    template <class Each>
    void for_each(Each each) const {
        for (run* at = first_; at; at = at->next)
            each(*at);
    }

private:
    run* first_ = nullptr;
    run* last_ = nullptr;
    std::uint64_t committed_;
    std::uint32_t outstanding_ = 0;  // runs with pending reports
    std::uint32_t failed_ = 0;       // runs in state failed
    std::uint32_t unsent_ = 0;       // runs in state unsent
};

template <class Each>
void window::rewind(Each each) {
    bool behind_hole = false;
    for (run* at = first_; at; at = at->next) {
        behind_hole = behind_hole || at->now == run::state::failed;
        if (!behind_hole) continue;
        each(*at);
        if (at->now != run::state::unsent) ++unsent_;
        at->now = run::state::unsent;
        at->code = kafka::error::none;
        at->records = 0;
        at->built.clear();
        at->careful = false;
    }
    failed_ = 0;
}

}  // namespace logagent::delivery

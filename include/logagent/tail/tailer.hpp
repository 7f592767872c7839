#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/shared_text.hpp"
#include "logagent/checkpoint/store.hpp"
#include "logagent/delivery/framing.hpp"
#include "logagent/delivery/record_builder.hpp"
#include "logagent/delivery/retry_class.hpp"
#include "logagent/delivery/topic.hpp"
#include "logagent/delivery/window.hpp"
#include "logagent/fleet/log_target.hpp"
#include "logagent/os/disk.hpp"
#include "logagent/tail/fingerprint.hpp"
#include "logagent/tail/rate_meter.hpp"

namespace logagent::tail {

using delivery::duration;
using delivery::time_point;

/// The moment a decision is made at: steady time to reckon with, wall time only for stamps.
struct moment {
    time_point steady;
    std::int64_t wall_ms = 0;
};

/// A target with what was compiled from it. Shared by all files it reads; replaced as a whole when
/// its entry changes, so that files keep descriptor, position and limiter.
struct live_target {
    live_target(fleet::log_target wanted, std::size_t order_of)
        : target{std::move(wanted)}, filter{target}, rules{target}, order{order_of} {}

    fleet::log_target target;
    delivery::line_filter filter;
    delivery::line_rules rules;
    std::size_t order;
    bool first_application = false;  // files that exist now begin where `start` says
    bool edited = false;             // its path went to another topic before
    std::int64_t applied_ms = 0;     // wall clock of the first application ever
};

/// Numbers that /metrics shows; kept over all tailers since the start of the process.
struct totals {
    std::uint64_t lines_read = 0;
    std::uint64_t lines_acked = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t rewinds = 0;
    std::uint64_t blocking_reads = 0;
    std::uint64_t rotations = 0;
    std::uint64_t truncations = 0;
    std::uint64_t undecodable_lines = 0;  // passed on as they are
};

/// A line on its way to the dead letter topic.
struct dead_letter : delivery::batch {
    dead_letter() : batch{kind::dead_letter} {}

    delivery::run* from = nullptr;
    std::string topic;  // "<topic>.dead"
    std::string key;
    std::string value;  // cut to fit
    std::string reason;
    std::string range;  // "begin-end" in the generation
    time_point first_try{};
    time_point next_try{};
    bool in_flight = false;
};

/// What was found while the records of one run were built, beside the records. It is of the step
/// that built it, so one for all files does.
struct building_notes {
    delivery::line last_line;
    std::uint64_t skipped = 0;  // NUL bytes, which are not paid for
    std::uint64_t undecodable = 0;
    bool inside = false;  // the end of the run is within a line that is being split
};

/// What the tailers of one process share; owned by the collector.
struct services {
    kafka::producer& main;
    kafka::producer& careful;
    delivery::topic_table& topics;
    delivery::budget& budget;
    delivery::chunk_pool& chunks;
    delivery::record_builder& builder;
    checkpoint::store& store;
    std::string host;
    delivery::token_bucket& host_limit;  // max_send_rate_bytes
    std::function<void(std::unique_ptr<dead_letter>)> bury;
    totals& counted;
    duration rotate_wait{};
    delivery::chunk_ref shared_chunk{};  // reads with little to read go into one chunk
    delivery::framing framing{};         // of the run that is being built
    building_notes built{};              // of the run that was built last
    /// Writes the state with every position as it is now; false = not possible, it is tried again.
    std::function<bool()> save{};
};

/// What a tailer wants after a step.
struct wish {
    enum class what : std::uint8_t {
        again,     // has more to do right now
        event,     // nothing to do until the file changes, a report comes or the target changes
        at,        // look again at `when`
        room,      // the budget or the partition is full: after acknowledgements, or at `when`
        topic,     // the topic takes nothing: after its description changed, or at `when`
        replaced,  // the bytes at the position are not the ones that were there: a new generation
        settled,   // draining, read to its end and everything acknowledged
    };
    what then = what::event;
    time_point when{};
};

/// Sends one generation of one file to one topic: the whole data path of a file.
///
/// Decides and reads, but never waits: step() does a bounded piece of work and says what it wants
/// next. Delivery reports come in through the collector.
class tailer {
public:
    enum class state : std::uint8_t { waiting, tailing, throttled, error, draining, done };

    struct start {
        checkpoint::generation_record generation;
        checkpoint::position_record position;
        bool recorded = false;    // the journal has both already
        bool unverified = false;  // the bytes before the position are still to be compared
        bool packed = false;      // the file is compressed, its offsets are decompressed ones
        bool cut_short = false;   // the file is a copy that may end before the position
        tailer* fills = nullptr;  // whose hole it reads; see holes.cpp
    };

    tailer(services& shared, std::shared_ptr<const live_target> target, std::string_view path,
           std::shared_ptr<os::file> file, start from, delivery::rate_limit& limit);
    /// Gives back what its runs are charged with: a stopped target may leave failed ones behind.
    ~tailer();
    tailer(const tailer&) = delete;
    tailer& operator=(const tailer&) = delete;

    static constexpr std::uint64_t no_bound = ~std::uint64_t{0};

    /// One bounded piece of work. Nothing at or beyond the offset `readable_to` is read.
    wish step(const moment& now, std::uint64_t readable_to);

    /// Looks at size and head after an event or in a sweep. False: the file was truncated or
    /// rewritten, and a new generation begins.
    bool inspect();
    /// The same with what was just asked of the file.
    bool inspect(const os::file_status& status);

    /// The name at the path belongs to another file now (or to none): read to the end, then finish.
    void drain(const moment& now);
    /// Sends a last line without line end, too: nobody will complete it.
    void accept_partial() noexcept { accept_partial_ = true; }
    /// No more reading; reports still come in.
    void stop_reading() noexcept {
        reading_ = false;
        if (filler_) filler_->reading_ = false;
    }
    /// What was not read of this generation is gone, or given up: stops reading for good. `reason`
    /// is a literal.
    void end(checkpoint::byte_class lost, const char* reason) noexcept {
        stop_reading();
        draining_ = true;
        ended_ = true;
        lost_as_ = lost;
        lost_reason_ = reason;
    }
    /// After end(): for the next life of the same file.
    std::shared_ptr<os::file> take_file() noexcept {
        if (filler_) filler_->file_.reset();
        return std::move(file_);
    }
    /// Gives the file up and closes it; what is in flight is still waited for.
    void abandon_file(const moment& now);
    /// Counts the bytes that are gone. After end(), with everything settled.
    void write_off(const moment& now);

    // Delivery reports, found through the run.
    void delivered(delivery::run& which, std::uint32_t count, const moment& now);
    /// A dead letter of the run lies somewhere; that says nothing about the run's own topic.
    void letter_stored(delivery::run& which, const moment& now);
    void failed(delivery::run& which, const char* value, kafka::error code, const moment& now);
    void abandoned(bool careful_producer, const moment& now);

    void retarget(std::shared_ptr<const live_target> target);

    /// Whether bytes were passed over that are still to be sent, or are on their way.
    bool has_holes() const noexcept { return !holes_.empty() || filler_; }
    /// Bytes in holes, those in flight included.
    std::uint64_t hole_bytes() const noexcept;
    /// Whether what is in holes may be read in the next step: nothing newer of the path waits.
    void allow_filling(bool allowed) noexcept { may_fill_ = allowed; }
    /// The one that the collector knows: reports of what lies in a hole come to its filler.
    tailer& whole() noexcept { return live_ ? *live_ : *this; }
    /// Nothing newer than the holes waits to be read, as far as known.
    bool read_out() const noexcept { return at_end_ || size_ <= window_.end(); }

    const live_target& target() const noexcept { return *target_; }
    const checkpoint::generation_record& generation() const noexcept { return generation_; }
    std::string_view path() const noexcept { return path_; }
    const os::file* file() const noexcept { return file_.get(); }
    state now() const noexcept { return state_; }
    std::string_view error() const noexcept {
        return error_.empty() && filler_ ? filler_->error_.view() : error_.view();
    }
    /// Chosen at the first send; -1 = not yet, or each run goes to another one.
    std::int32_t partition() const noexcept { return partition_; }
    std::uint64_t read_offset() const noexcept { return window_.end(); }
    std::uint64_t acked_offset() const noexcept { return window_.committed(); }
    std::uint64_t size() const noexcept { return size_; }
    std::uint64_t in_flight() const noexcept {
        return window_.in_flight() + (filler_ ? filler_->window_.in_flight() : 0);
    }
    /// Neither settled nor in flight.
    std::uint64_t unread() const noexcept;
    /// Not settled.
    std::uint64_t unsettled() const noexcept;
    const checkpoint::byte_counts& counts() const noexcept { return counts_; }
    bool draining() const noexcept { return draining_; }
    bool reading() const noexcept { return reading_; }
    bool ended() const noexcept { return ended_; }
    bool packed() const noexcept { return packed_; }
    checkpoint::byte_class lost_as() const noexcept { return lost_as_; }
    std::string_view lost_reason() const noexcept { return lost_reason_; }
    /// As the file is now; the last known size if it cannot be asked.
    std::uint64_t file_size() const;
    /// Looks whether there is more than was known at the last read; then it is not caught up.
    bool grown();
    /// Read to the end as far as known, and everything acknowledged. Not while lines wait for more
    /// lines to be joined with: they come before what is written into the next file.
    bool caught_up() const noexcept {
        return (at_end_ || size_ == 0) && window_.empty() && !holds();
    }
    bool idle() const noexcept { return window_.empty() && (!filler_ || filler_->idle()); }
    bool quiet() const noexcept { return window_.quiet() && (!filler_ || filler_->quiet()); }
    double throttled_seconds(time_point now) const noexcept;
    /// Lines and bytes per second over the last few seconds.
    std::pair<double, double> rates(time_point now) const noexcept { return rates_.at(now); }
    time_point oldest_sent() const noexcept;
    const delivery::topic& sends_to() const noexcept { return *topic_; }

    /// What the journal should hold about it now.
    checkpoint::position_record position() const;
    bool take_dirty() noexcept { return std::exchange(dirty_, false); }

    // Book-keeping of the collector.
    struct hooks {
        bool ready = false;
        bool wants_room = false;
        bool wants_topic = false;
        bool dirty_listed = false;
        bool inspect = false;  // size and head, before the next step
        time_point timer{};    // the key in the timers; the epoch = none
    };
    hooks links;
    void* source = nullptr;

private:
    /// Bytes that were passed over. Its end is a line's end.
    struct gap {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        checkpoint::anchor before;  // of `begin`
    };

    wish step_own(const moment& now, std::uint64_t readable_to);
    // Holes (holes.cpp).
    void take_holes(const checkpoint::position_record& from);
    void put_ranges(checkpoint::position_record& into) const;
    bool overloaded(const moment& now);
    wish jump(const moment& now);
    look find_line_end(std::uint64_t size, std::uint64_t& found);
    wish pass_over(std::uint64_t to, const moment& now);
    wish fill(const moment& now, const wish& own);
    wish fill_some(const moment& now);
    void begin_filling();
    void filled_to(std::uint64_t offset, const checkpoint::anchor& before);
    wish recover(const moment& now);
    wish send_unsent(delivery::run& again, const moment& now);
    bool shrank() const;
    wish wait_to_send(const moment& now, delivery::lane*& chosen);
    wish choose_lane(const moment& now, delivery::lane*& chosen);
    wish read_more(const moment& now, delivery::lane& to, std::uint64_t lines, std::uint64_t bytes);
    wish at_end(const moment& now);
    wish cold(const moment& now, std::uint64_t offset, std::size_t size);
    wish read_failed(const moment& now, int code);
    wish learn(const moment& now);
    std::uint64_t build_waiting(delivery::run& fresh, std::uint64_t lines, std::uint64_t bytes,
                                bool at_end, bool full, const moment& now);
    void hold(bool nothing, std::uint64_t data_end, const moment& now);
    void begin_long_line(const delivery::run& front);
    /// The line that a search was for is looked at anew, from its beginning.
    void stop_scanning() noexcept { scan_.reset(); }
    wish long_line(const moment& now, delivery::lane& to);
    wish long_nuls(const moment& now, delivery::lane& to, std::string_view slice);
    wish lines_read(std::unique_ptr<delivery::run> built, delivery::lane& to, bool filled,
                    const moment& now);
    delivery::record_builder::origin origin(const moment& now) const;
    std::uint64_t build(delivery::run& into, std::uint64_t lines, std::uint64_t bytes,
                        delivery::closing close, const moment& now);
    wish refused(const moment& now);
    std::uint64_t build_plain(delivery::run& into, std::uint64_t lines, std::uint64_t bytes,
                              delivery::closing close);
    std::uint64_t build_framed(delivery::run& into, std::uint64_t lines, std::uint64_t bytes,
                               delivery::closing close);
    void build_cut(delivery::run& into);
    delivery::line line_of(const delivery::frame& from) const;
    delivery::framing::input framed(const delivery::run& of, delivery::closing close) const;
    delivery::encoding encoded() const noexcept;
    bool is_plain() const noexcept;
    bool produce(delivery::run& built, delivery::lane& to, bool careful, const moment& now);
    wish long_line_read(const moment& now, delivery::lane& to, std::uint64_t end);
    delivery::chunk_ref chunk_for_reading();
    void remember_read(const delivery::run& pushed);
    void poisoned(delivery::run& which, kafka::error code, const moment& now);
    void bury(delivery::run& from, const delivery::line& whole, std::string_view reason,
              const moment& now);
    void settle(const moment& now);
    void release(delivery::run& which);
    void remember_anchor(const delivery::run& settled);
    void note_losses(const delivery::run& settled, const moment& now);
    bool record_generation();
    /// The head says more the longer it is, until it is whole.
    void grow_head();
    void saw(std::uint64_t size) noexcept;
    void throttle(const moment& now, bool on) noexcept;
    std::uint64_t longest_line() const noexcept;
    std::uint64_t longest_raw() const noexcept;

    /// Lines at the end of what was read that may belong together with lines to come.
    struct held_lines {
        bool group = false;          // closed when nothing is written for the target's time
        bool joined = false;         // closed after a time of its own
        std::uint64_t data_end = 0;  // when bytes beyond are read, the group's time begins anew
        std::uint64_t joined_from = 0;
        time_point written{};
        time_point joined_since{};
        time_point until{};
        bool waits() const noexcept { return group || joined; }
    };
    bool holds() const noexcept { return held_ && held_->waits(); }

    /// The search for the end of a line that does not fit into memory.
    struct end_search {
        delivery::long_line line;
        bool nuls = false;     // all from the position on is NUL
        bool nul_end = false;  // the byte before `to` is NUL
        std::uint64_t to = 0;  // so far
    };

    // There are thousands of them, so what few need lies elsewhere and small members lie together.
    services& shared_;
    std::shared_ptr<const live_target> target_;
    base::shared_text path_;
    std::shared_ptr<os::file> file_;  // with the filler
    checkpoint::generation_record generation_;
    delivery::rate_limit& limit_;
    delivery::topic* topic_;
    delivery::window window_;
    checkpoint::byte_counts counts_{};
    std::uint64_t size_ = 0;
    std::uint64_t readable_to_ = no_bound;  // in this step

    std::array<char, anchor_bytes> anchor_{};  // bytes before read_offset()
    checkpoint::anchor committed_anchor_;      // bytes before acked_offset(), hashed
    std::uint32_t anchor_size_ = 0;
    std::int32_t partition_;         // chosen at the first send; -1 = not yet
    std::uint32_t line_size_ = 200;  // running mean, to read no more than may be sent
    std::array<char, 2> head_{};     // the first bytes of the file: a byte order mark
    std::uint8_t head_size_ = 0;
    state state_ = state::waiting;
    std::size_t wanted_room_ = 0;       // the line at the position needs a chunk this large
    std::unique_ptr<held_lines> held_;  // null: the target is plain, or nothing was read
    std::unique_ptr<end_search> scan_;  // null: no such search is under way
    time_point cold_since_{};
    time_point retry_at_{};
    duration backoff_{};
    duration refused_pause_{};  // the client takes nothing at all, as while it is replaced
    double throttled_ = 0;
    time_point throttled_since_{};
    rate_meter rates_;
    base::shared_text error_;
    const char* lost_reason_ = "";
    time_point drained_since_{};  // at the end since then, while draining

    tailer* live_;                    // of a filler: the tailer whose hole it reads
    std::uint64_t fills_to_ = 0;      // of a filler: the end of that hole
    std::vector<gap> holes_;          // all before committed(), in the order of the file
    std::unique_ptr<tailer> filler_;  // reads the first of them
    time_point behind_since_{};       // not read to its end since then; the epoch = it is
    time_point no_jump_before_{};     // no line end was found to jump to

    checkpoint::byte_class lost_as_ = checkpoint::byte_class::truncated_away;
    bool learned_ = false;  // what is before the position the work began at
    bool inside_ = false;   // the position is within a line that is being split
    bool recorded_ = false;
    bool dirty_ = false;
    bool reading_ = true;
    bool draining_ = false;
    bool ended_ = false;
    bool unverified_ = false;
    bool packed_ = false;
    bool at_end_ = false;
    bool catching_up_ = false;
    bool accept_partial_ = false;
    bool last_careful_ = false;  // the last run sent went by the careful producer
    bool may_fill_ = true;
    bool cut_short_ = false;
    bool read_whole_ = false;  // draining, and nothing but holes is left
};

}  // namespace logagent::tail

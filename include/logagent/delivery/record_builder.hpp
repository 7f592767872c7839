#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/checkpoint/state.hpp"
#include "logagent/delivery/chunk.hpp"
#include "logagent/delivery/window.hpp"
#include "logagent/fleet/log_target.hpp"
#include "logagent/kafka/producer.hpp"

namespace logagent::delivery {

/// The compiled keep, drop and mask lists of a target. RE2: linear time, since patterns come from
/// etcd.
class line_filter {
public:
    explicit line_filter(const fleet::log_target& target);
    ~line_filter();
    line_filter(line_filter&&) noexcept;
    line_filter& operator=(line_filter&&) noexcept;

    bool masks() const noexcept;
    /// Whether `keep` and `drop` let the line pass.
    bool passes(std::string_view line) const;
    /// The line with every mask applied; `scratch` holds the result.
    std::string_view masked(std::string_view line, std::string& scratch) const;

private:
    struct patterns;
    std::unique_ptr<patterns> patterns_;  // null: no list is set, the usual case
};

/// One logical line, as it stands in the file unless it says otherwise.
struct line {
    const char* text = nullptr;
    std::uint32_t size = 0;   // without the line end; cut where the line did not fit into memory
    std::uint64_t begin = 0;  // offsets in the file; `end` is after the line end
    std::uint64_t end = 0;
    std::uint64_t cut = 0;      // bytes of the line that were not even read, of an oversize one
    std::uint64_t foreign = 0;  // bytes of [begin, end) that belong to other lines
    bool passing = false;       // the text does not live as long as the run: it is copied
    bool decoded = false;       // the text is not the file's bytes from `begin` on
    bool inside = false;        // goes on in a line whose beginning was sent before
};

/// Turns lines into records: value, key, filters and size policy (DESIGN 4.3, 4.4).
///
/// The fast path (raw format, nothing masked) borrows the value from the file's chunk and writes
/// only the key. Keys lie in scratch memory, since Kafka's client copies them; other values go into
/// a chunk of the run.
class record_builder {
public:
    explicit record_builder(chunk_pool& pool) : pool_{pool} {}

    struct origin {
        const fleet::log_target* target = nullptr;
        const line_filter* filter = nullptr;
        std::string_view host;
        std::string_view path;
        const checkpoint::generation_id* generation = nullptr;
        std::uint32_t record_limit = 0;  // of the topic
        std::int64_t now_ms = 0;         // wall clock, for the JSON envelope
    };

    /// Begins the records of `into`.
    void begin(const origin& from, run& into);

    /// Adds one line. False: there is no room for its value in this run any more; nothing was done
    /// and the run ends before it. `must`: the run cannot end here, so room is made.
    bool add(const line& added, bool must = false);

    /// Counts bytes that are no line's.
    void skip(std::uint64_t bytes) { count(checkpoint::byte_class::blank, bytes); }

    /// How many bytes a value may have, before it is escaped for JSON.
    std::uint64_t value_limit() const noexcept;
    /// How much of the front of `text`, which is not empty, makes one record of a line that is
    /// split: whole characters, at least one.
    std::size_t piece(std::string_view text);

    const std::vector<kafka::record>& records() const noexcept { return records_; }
    /// Lines that the size policy sends to the dead letter topic; their bytes count as such.
    const std::vector<line>& dead_letters() const noexcept { return dead_letters_; }
    /// Bytes of the keys, for the budget.
    std::uint64_t key_bytes() const noexcept { return keys_used_; }

    /// The key of a single record in the target's form; full where a dead letter has none.
    std::string key_of(const origin& from, std::uint64_t begin, std::uint64_t end,
                       bool always) const;

private:
    void write_prefix();
    void write_envelope_head();
    std::size_t fitting(std::string_view value);
    std::uint32_t write_key(std::uint64_t begin, std::uint64_t end);
    bool add_long(const line& added, std::string_view value, bool must);
    bool add_pieces(const line& added, std::string_view value, bool must);
    std::uint64_t add_cut(const line& added, std::string_view value);
    bool add_built(std::uint64_t begin, std::uint64_t end, std::string_view value, bool must);
    void count(checkpoint::byte_class what, std::uint64_t bytes) {
        run_->counts[static_cast<std::size_t>(what)] += bytes;
    }

    chunk_pool& pool_;
    origin from_;
    run* run_ = nullptr;
    std::uint64_t value_limit_ = 0;    // bytes of a value
    std::uint64_t message_limit_ = 0;  // JSON only: bytes of the quoted message within it
    bool borrow_ = true;
    std::string prefix_;  // the key up to the offsets
    std::vector<std::unique_ptr<char[]>>
        key_blocks_;  // scratch that never moves while records point in
    std::size_t key_block_ = 0;
    std::size_t key_block_used_ = 0;
    std::uint64_t keys_used_ = 0;
    std::vector<kafka::record> records_;
    std::vector<line> dead_letters_;
    std::string masked_;
    std::string envelope_head_;  // up to the offsets; the same for a whole run
    std::string envelope_;
    std::string message_;  // scratch
};

}  // namespace logagent::delivery

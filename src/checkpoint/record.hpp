#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "logagent/checkpoint/state.hpp"

namespace logagent::checkpoint {

/// The bytes of the journal (docs/formats.md): a header, then frames; a frame is valid as a whole
/// or not at all and holds records. All numbers are little-endian.

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t header_size = 64;
inline constexpr std::size_t frame_header_size = 12;

/// Persistent: never change or reuse a number.
enum class record_type : std::uint8_t {
    generation = 1,
    position = 2,
    target = 3,
    generation_removed = 4,
    target_removed = 5,
    totals = 6,
    snapshot_end = 7,
    loss = 8,
};

struct header {
    std::uint32_t version = format_version;
    std::uint64_t seed = 0;  // random, so that bytes of another file never pass for ours
    std::string writer;      // version of the program, cut to 32 bytes
};

/// Exactly header_size bytes.
std::string encode(const header& header);
/// False: not a header, or damaged.
bool decode(std::string_view bytes, header& out);

/// Gathers records into one frame.
class frame_writer {
public:
    explicit frame_writer(std::int64_t written_ms);

    /// Makes room for about that many records, so that thousands of them are not copied over and
    /// over while they are added.
    void reserve(std::size_t records) { bytes_.reserve(bytes_.size() + records * usual_size); }

    void add(const generation_record& record);
    void add(const position_record& record);
    void add(const target_record& record);
    void add(const loss_record& record);
    /// `retired`: the figures after the removal, so that both are in one record.
    void add_removed(const generation_id& id, const byte_counts& retired);
    void add_removed(const state::target_key& target);
    void add_totals(const byte_counts& retired);
    void add_snapshot_end();

    std::size_t size() const noexcept { return bytes_.size(); }

    /// The frame; it must be the `sequence`-th (from 0) of the file with that seed.
    std::string finish(std::uint64_t seed, std::uint64_t sequence) &&;

private:
    static constexpr std::size_t usual_size = 256;  // of a record, rather more than less

    std::string bytes_;
};

/// The payload of the frame at the start of `bytes`, or an empty view where no valid frame stands.
std::string_view valid_frame(std::string_view bytes, std::uint64_t seed, std::uint64_t sequence);

struct applied {
    bool snapshot_end = false;
    std::string error;  // a record that this version cannot understand
};

/// Plays the records of one payload into the state.
applied replay(std::string_view payload, state& state);

}  // namespace logagent::checkpoint

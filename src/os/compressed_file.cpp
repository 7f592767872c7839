#include "logagent/os/compressed_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

#include "os/decoder.hpp"

namespace logagent::os {

namespace {

constexpr std::size_t packed_block = 64 * 1024;
constexpr std::uint64_t work_of_a_cached_read = 1u << 20;

}  // namespace

compression compression_of(std::string_view head) noexcept {
    if (head.starts_with("\x1f\x8b\x08")) return compression::gzip;
    if (head.starts_with("\x28\xb5\x2f\xfd")) return compression::zstd;
    // A file of zstd may begin with a frame to be skipped; its first byte is 0x50 to 0x5f.
    const bool skippable = head.size() >= 4 &&
                           (static_cast<unsigned char>(head[0]) & 0xf0) == 0x50 &&
                           head.substr(1, 3) == "\x2a\x4d\x18";
    return skippable ? compression::zstd : compression::none;
}

int detect_compression(const file& packed, file::read_mode mode, compression& out) {
    std::array<char, 4> head;
    std::size_t have = 0;
    while (have < head.size()) {
        const auto got = packed.read({}, std::span{head}.subspan(have), have, mode);
        if (got == -EAGAIN) packed.will_need(0, head.size());
        if (got < 0) return static_cast<int>(-got);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    out = compression_of({head.data(), have});
    return 0;
}

struct compressed_file::state {
    state(std::unique_ptr<file> from, compression of) : packed{std::move(from)}, kind{of} {}

    std::unique_ptr<file> packed;
    compression kind;
    std::unique_ptr<decoder> stream;  // null: at the start, and no memory is held

    std::vector<char> input;  // packed bytes that were read; the rest of them begins at input_at
    std::size_t input_at = 0;
    std::size_t input_end = 0;
    std::uint64_t packed_offset = 0;  // behind what is in `input`
    bool input_over = false;          // the packed file had no more when it was last asked

    std::vector<char> output;  // the decompressed bytes [output_begin, end())
    std::size_t output_size = 0;
    std::uint64_t output_begin = 0;

    bool between = false;  // at the end of a member or frame
    int broken = 0;        // damaged from end() on
    std::uint64_t known = 0;
    bool whole = false;

    std::uint64_t end() const { return output_begin + output_size; }

    void restart() {
        if (stream) stream->reset();
        input_at = input_end = output_size = 0;
        packed_offset = output_begin = 0;
        input_over = between = false;
        broken = 0;
    }

    void release() {
        restart();
        stream.reset();
        input = {};
        output = {};
    }

    /// Makes room for one step, keeping the history before it. A file of which only the beginning
    /// is looked at stays small.
    void make_room() {
        if (!stream) {
            stream = make_decoder(kind);
            input.resize(packed_block);
        }
        if (output.size() - output_size >= step) return;
        if (output_size >= history + step) {
            const auto dropped = output_size - history;
            std::memmove(output.data(), output.data() + dropped, history);
            output_begin += dropped;
            output_size = history;
        } else {
            output.resize(std::min(std::max(output.size() * 2, 2 * step), history + 2 * step));
        }
    }

    /// Gets packed bytes where there are none left. 0 or an errno.
    int refill(read_mode mode) {
        if (input_at < input_end) return 0;
        const auto got = packed->read({}, input, packed_offset, mode);
        if (got == -EAGAIN) packed->will_need(packed_offset, packed_block * 4);
        if (got < 0) return static_cast<int>(-got);
        input_at = 0;
        input_end = static_cast<std::size_t>(got);
        packed_offset += static_cast<std::uint64_t>(got);
        input_over = got == 0;
        return 0;
    }

    /// Appends up to `step` bytes. 0 and nothing appended: the end, where `whole` is set.
    int decode_more(read_mode mode) {
        make_room();
        const auto before = output_size;
        const auto limit = before + step;
        while (output_size == before) {
            if (broken) return broken;
            if (const int error = refill(mode)) return error;
            const std::span<const char> in{input.data() + input_at, input_end - input_at};
            const auto got =
                stream->decode(in, std::span{output}.subspan(output_size, limit - output_size));
            input_at += got.consumed;
            output_size += got.produced;
            between = got.between;
            broken = got.error;
            if (end() > known) {
                known = end();
                whole = false;
            }
            if (broken || got.consumed > 0 || got.produced > 0 || !input_over) continue;
            whole = between;
            return whole ? 0 : ENODATA;
        }
        return 0;
    }
};

compressed_file::compressed_file(std::unique_ptr<file> packed, compression kind)
    : state_{std::make_unique<state>(std::move(packed), kind)} {}

compressed_file::~compressed_file() = default;

int compressed_file::status(file_status& out) const {
    const int error = state_->packed->status(out);
    out.size = state_->known;
    return error;
}

int compressed_file::advance(std::uint64_t offset, std::uint64_t work, read_mode mode) const {
    if (offset < state_->output_begin) state_->restart();
    const auto began = state_->end();
    while (state_->end() <= offset) {
        const auto before = state_->end();
        if (before - began >= work) return EAGAIN;
        if (const int error = state_->decode_more(mode)) return error;
        if (state_->end() == before) break;
    }
    return 0;
}

std::int64_t compressed_file::read(std::span<char> first, std::span<char> second,
                                   std::uint64_t offset, read_mode mode) const {
    std::uint64_t work = mode == read_mode::cached ? work_of_a_cached_read
                                                   : std::numeric_limits<std::uint64_t>::max();
    const std::size_t wanted = first.size() + second.size();
    std::size_t have = 0;
    while (have < wanted) {
        const std::uint64_t at = offset + have;
        if (at < state_->output_begin || at >= state_->end()) {
            const auto before = at < state_->output_begin ? 0 : state_->end();
            const int error = advance(at, work, mode);
            // What fills the first buffer only would look like the end of the file.
            if (error) return have > first.size() ? static_cast<std::int64_t>(have) : -error;
            if (at >= state_->end()) break;
            work -= std::min(work, state_->end() - before);
        }
        const auto part =
            have < first.size() ? first.subspan(have) : second.subspan(have - first.size());
        const auto size = std::min<std::uint64_t>(part.size(), state_->end() - at);
        std::memcpy(part.data(), state_->output.data() + (at - state_->output_begin), size);
        have += size;
    }
    return static_cast<std::int64_t>(have);
}

void compressed_file::will_need(std::uint64_t, std::uint64_t) const {}

void compressed_file::release() const {
    state_->release();
}

std::uint64_t compressed_file::known_size() const noexcept {
    return state_->known;
}

bool compressed_file::at_end() const noexcept {
    return state_->whole;
}

std::uint64_t compressed_file::packed_position() const noexcept {
    return state_->packed_offset - (state_->input_end - state_->input_at);
}

}  // namespace logagent::os

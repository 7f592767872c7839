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
    state(std::unique_ptr<file> from, compression kind)
        : packed{std::move(from)}, stream{make_decoder(kind)}, input(packed_block) {
        output.resize(history + step);
    }

    std::unique_ptr<file> packed;
    std::unique_ptr<decoder> stream;

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
        stream->reset();
        input_at = input_end = output_size = 0;
        packed_offset = output_begin = 0;
        input_over = between = false;
        broken = 0;
    }

    /// Makes room for one step, keeping the history before it.
    void shift() {
        if (output.size() - output_size >= step) return;
        const auto dropped = output_size - history;
        std::memmove(output.data(), output.data() + dropped, history);
        output_begin += dropped;
        output_size = history;
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
        shift();
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
    const auto work = mode == read_mode::cached ? work_of_a_cached_read
                                                : std::numeric_limits<std::uint64_t>::max();
    if (offset < state_->output_begin) state_->restart();
    // Something for the second buffer too: a count that fills the first one only looks like the
    // end.
    const auto lead = second.empty() ? 0 : std::min(first.size(), history);
    if (const int error = advance(offset + lead, work, mode)) return -error;
    if (offset >= state_->end()) return 0;
    const char* from = state_->output.data() + (offset - state_->output_begin);
    std::uint64_t left = state_->end() - offset;
    std::int64_t total = 0;
    for (const auto part : {first, second}) {
        const auto size = std::min<std::uint64_t>(part.size(), left);
        if (size == 0) continue;  // an empty span may have no address
        std::memcpy(part.data(), from, size);
        from += size;
        left -= size;
        total += static_cast<std::int64_t>(size);
    }
    return total;
}

void compressed_file::will_need(std::uint64_t, std::uint64_t) const {}

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

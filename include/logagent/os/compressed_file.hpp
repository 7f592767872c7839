#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "logagent/os/disk.hpp"

namespace logagent::os {

enum class compression : std::uint8_t { none, gzip, zstd };

/// What the first bytes of a file say; its name says nothing. Four bytes are enough.
compression compression_of(std::string_view head) noexcept;

/// The same of an open file. Returns 0 or an errno (EAGAIN: not in the cache, it was asked for).
int detect_compression(const file& packed, file::read_mode mode, compression& out);

/// A .gz or .zst file that reads like the file it was made from: offsets are decompressed ones.
///
/// Reading forward in order decompresses each byte once; the last `history` bytes before a position
/// stay at hand, so an anchor can be checked after a read. Anything further back begins again at
/// the start of the file. Members and frames that follow one another are one file, as gzip and zstd
/// themselves see it; zeros behind the last one are padding.
///
/// read() fills its buffers as far as the file goes; less comes only where an error or a cold cache
/// stands behind it. Errors beside those of the packed file:
/// EBADMSG: the data is damaged, or not of this format; what came before the damage is readable.
/// ENODATA: the packed file ends in the middle, since it is still being written or was cut; reading
/// again goes on where it stopped, once there is more.
/// ENOTSUP: zstd with a window above 8 MiB (--long, --ultra), which would cost that much memory.
/// ENOMEM: no memory for the decoder.
///
/// In mode `cached` a read decompresses at most 1 MiB in one call and answers EAGAIN until it has
/// come to the offset, so the loop never stalls on it; will_need() is passed on by itself.
class compressed_file final : public file {
public:
    // A reader that finds no line end in what it has got reads the line again, a longer piece of
    // it.
    static constexpr std::size_t history = (1u << 20) + 64 * 1024;
    static constexpr std::size_t step = 64 * 1024;

    /// Owns the packed file, which the caller has opened under the path policy. `kind` is not none.
    compressed_file(std::unique_ptr<file> packed, compression kind);
    ~compressed_file() override;

    /// Identity and times of the packed file; `size` is what known_size() says.
    int status(file_status& out) const override;
    std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                      read_mode mode) const override;
    /// No effect: which packed bytes hold a range is not known before they are decompressed.
    void will_need(std::uint64_t offset, std::uint64_t length) const override;

    /// Decompresses towards `offset`, at most about `work` bytes. Returns 0 when it is there or the
    /// file ends before it, EAGAIN when there is more to do, else an errno as read().
    int advance(std::uint64_t offset, std::uint64_t work, read_mode mode) const;

    /// Gives all memory back; the next read begins at the start of the file.
    void release() const;

    /// Decompressed bytes found so far, whatever was read since; the whole size once at_end().
    std::uint64_t known_size() const noexcept;
    /// The end was seen, undamaged, and nothing came behind it: known_size() is the size.
    bool at_end() const noexcept;
    /// Packed bytes consumed, to tell how far it is: of the packed file's size.
    std::uint64_t packed_position() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace logagent::os

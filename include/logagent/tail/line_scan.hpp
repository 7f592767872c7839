#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/os/disk.hpp"

namespace logagent::tail {

/// A line met by scan_lines(); `front` is its first bytes, at most 512, without the line end.
struct scanned_line {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  // behind the line end
    std::string_view front;
    bool terminated = true;  // false: the last bytes of a file, without a line end
};

/// Passes over the lines that begin in [begin, end), waiting for the disk. `begin` is the start of
/// a line. `each` returns whether to go on; `block` is how much
/// is read at once. Returns 0 or the errno of the read that failed.
template <class Each>
int scan_lines(const os::file& file, std::uint64_t begin, std::uint64_t end, Each each,
               std::size_t block = 64 * 1024) {
    constexpr std::size_t most_front = 512;
    std::vector<char> buffer(block);
    std::string kept;  // the front of a line that began in an earlier buffer
    scanned_line line;
    line.begin = begin;
    std::uint64_t at = begin;
    while (line.begin < end) {
        const auto got = file.read({}, buffer, at, os::file::read_mode::blocking);
        if (got == -EINTR) continue;
        if (got < 0) return static_cast<int>(-got);
        if (got == 0) break;
        const char* next = buffer.data();
        const char* const stop = next + got;
        while (line.begin < end) {
            const auto left = static_cast<std::size_t>(stop - next);
            const auto* const found = static_cast<const char*>(std::memchr(next, '\n', left));
            const std::string_view piece{next,
                                         found ? static_cast<std::size_t>(found - next) : left};
            line.front = piece.substr(0, most_front);
            if (!found || !kept.empty())
                kept += piece.substr(0, most_front - std::min(kept.size(), most_front));
            if (!found) break;
            if (!kept.empty()) line.front = kept;
            next = found + 1;
            line.end = at + static_cast<std::uint64_t>(next - buffer.data());
            if (!each(line)) return 0;
            kept.clear();
            line.begin = line.end;
        }
        at += static_cast<std::uint64_t>(got);
    }
    if (line.begin >= end || line.begin >= at) return 0;
    line.front = kept;
    line.end = at;
    line.terminated = false;
    each(line);
    return 0;
}

/// Fills `out` from `offset` on as far as the file goes, waiting for the disk. Returns the bytes or
/// -errno.
std::int64_t read_whole(const os::file& file, std::span<char> out, std::uint64_t offset);

/// The start of the line that holds the byte at `offset`. Returns 0 or an errno.
int line_start(const os::file& file, std::uint64_t offset, std::uint64_t& out);

/// The end of the line that holds the byte before `offset`, or `limit` where none ends before it.
int line_end(const os::file& file, std::uint64_t offset, std::uint64_t limit, std::uint64_t& out);

}  // namespace logagent::tail

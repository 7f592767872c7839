#include "logagent/tail/line_scan.hpp"

#include <algorithm>
#include <array>

namespace logagent::tail {

std::int64_t read_whole(const os::file& file, std::span<char> out, std::uint64_t offset) {
    std::size_t have = 0;
    while (have < out.size()) {
        const auto got =
            file.read({}, out.subspan(have), offset + have, os::file::read_mode::blocking);
        if (got == -EINTR) continue;
        if (got < 0) return got;
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    return static_cast<std::int64_t>(have);
}

int line_start(const os::file& file, std::uint64_t offset, std::uint64_t& out) {
    std::array<char, 16 * 1024> block;
    std::uint64_t at = offset;
    while (at > 0) {
        const auto size = std::min<std::uint64_t>(at, block.size());
        const auto got = read_whole(file, std::span{block}.first(size), at - size);
        if (got < 0) return static_cast<int>(-got);
        const auto* const found = ::memrchr(block.data(), '\n', static_cast<std::size_t>(got));
        if (found) {
            out = at - size +
                  static_cast<std::uint64_t>(static_cast<const char*>(found) - block.data()) + 1;
            return 0;
        }
        at -= size;
    }
    out = 0;
    return 0;
}

int line_end(const os::file& file, std::uint64_t offset, std::uint64_t limit, std::uint64_t& out) {
    std::array<char, 16 * 1024> block;
    out = limit;
    for (std::uint64_t at = offset == 0 ? 0 : offset - 1; at < limit;) {
        const auto size = std::min<std::uint64_t>(limit - at, block.size());
        const auto got = read_whole(file, std::span{block}.first(size), at);
        if (got < 0) return static_cast<int>(-got);
        if (got == 0) return 0;
        const auto* const found = std::memchr(block.data(), '\n', static_cast<std::size_t>(got));
        if (found) {
            out =
                at + static_cast<std::uint64_t>(static_cast<const char*>(found) - block.data()) + 1;
            return 0;
        }
        at += static_cast<std::uint64_t>(got);
    }
    return 0;
}

}  // namespace logagent::tail

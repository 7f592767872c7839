#include "logagent/tail/fingerprint.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace logagent::tail {

namespace {

// Reads exactly `size` bytes at `offset`; different where the file is shorter.
look read_exactly(const os::file& file, std::span<char> into, std::uint64_t offset,
                  os::file::read_mode mode) {
    std::size_t have = 0;
    while (have < into.size()) {
        const auto got = file.read({}, into.subspan(have), offset + have, mode);
        if (got == -EAGAIN) {
            file.will_need(offset, into.size());
            return look::cold;
        }
        if (got == -EINTR) continue;
        if (got < 0) return look::failed;
        if (got == 0) return look::different;
        have += static_cast<std::size_t>(got);
    }
    return look::same;
}

}  // namespace

std::uint64_t hash(std::string_view bytes) noexcept {
    return XXH3_64bits(bytes.data(), bytes.size());
}

look read_head(const os::file& file, std::uint64_t size, os::file::read_mode mode,
               checkpoint::file_identity& out) {
    std::array<char, head_bytes> head;
    const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, head_bytes));
    const look seen = read_exactly(file, std::span{head}.first(wanted), 0, mode);
    if (seen != look::same) return seen;
    out.head_size = wanted;
    out.head_hash = hash({head.data(), wanted});
    return look::same;
}

look check_head(const os::file& file, const checkpoint::file_identity& known,
                os::file::read_mode mode) {
    std::array<char, head_bytes> head;
    if (known.head_size > head.size()) return look::different;
    const look seen = read_exactly(file, std::span{head}.first(known.head_size), 0, mode);
    if (seen != look::same) return seen;
    return hash({head.data(), known.head_size}) == known.head_hash ? look::same : look::different;
}

look check_anchor(const os::file& file, const checkpoint::anchor& known, os::file::read_mode mode) {
    if (known.size == 0) return look::same;
    std::array<char, anchor_bytes> bytes;
    if (known.size > bytes.size() || known.size > known.offset) return look::different;
    const look seen =
        read_exactly(file, std::span{bytes}.first(known.size), known.offset - known.size, mode);
    if (seen != look::same) return seen;
    return hash({bytes.data(), known.size}) == known.hash ? look::same : look::different;
}

look check_anchors(const os::file& file, const checkpoint::position_record& known,
                   os::file::read_mode mode, std::uint64_t size) {
    look all = check_anchor(file, known.anchor, mode);
    for (const auto& each : known.later_anchors) {
        if (all != look::same || each.offset > size) break;
        all = check_anchor(file, each, mode);
    }
    return all;
}

bool ends_before(const checkpoint::position_record& known, std::uint64_t size) noexcept {
    return known.done.size() > 1 && known.done.back().begin <= size && size < known.newest();
}

bool may_be_same_inode(const os::file_status& now,
                       const checkpoint::file_identity& known) noexcept {
    if (now.inode != known.inode) return false;
    const bool both_born = now.birth_time != 0 && known.birth_time != 0;
    if (both_born && now.birth_time != known.birth_time) return false;
    if (now.generation != 0 && known.inode_generation != 0 &&
        now.generation != known.inode_generation)
        return false;
    return now.device == known.device || both_born;
}

}  // namespace logagent::tail

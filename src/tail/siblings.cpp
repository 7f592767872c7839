// Generations that left their path while nobody looked: rotated while the agent was down, or born
// and renamed between two looks. They lie beside it as PATH.* or PATH-* (DESIGN 4.3).
#include <algorithm>
#include <array>

#include "logagent/base/log.hpp"
#include "siblings.hpp"
#include "source.hpp"

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;

// Kernel birth times come from a clock with coarse ticks.
constexpr std::int64_t tick_ms = 50;

}  // namespace

std::string parent_of(std::string_view path) {
    const auto slash = path.find_last_of('/');
    return slash == 0 || slash == std::string_view::npos ? "/" : std::string{path.substr(0, slash)};
}

std::string child_of(std::string_view directory, std::string_view name) {
    std::string path{directory};
    if (path.empty() || path.back() != '/') path += '/';
    path += name;
    return path;
}

// What rotation appends: a number or a date, or "old". Anything else beside a log is another log.
bool is_rotated(std::string_view suffix) {
    if (suffix.size() < 2 || (suffix[0] != '.' && suffix[0] != '-')) return false;
    const std::string_view rest = suffix.substr(1);
    return (rest[0] >= '0' && rest[0] <= '9') || rest == "old" || rest == "prev";
}

bool is_compressed(std::string_view name) {
    for (const std::string_view ending : {".gz", ".zst", ".bz2", ".xz", ".lz4"})
        if (name.ends_with(ending)) return true;
    return false;
}

const std::vector<std::string>& collector::names_in(const std::string& directory,
                                                    const moment& now) {
    // One listing serves all looks of a turn. While thousands of files are looked at for the first
    // time it serves them all.
    const bool fresh = listed_ == directory && now.steady - listed_at_ < 1s;
    if (fresh) return listing_;
    listed_ = directory;
    listed_at_ = now.steady;
    listing_.clear();
    std::vector<os::disk::entry> entries;
    if (disk_.list(directory, entries) == 0)
        for (auto& entry : entries)
            if (entry.kind == os::file_status::type::regular ||
                entry.kind == os::file_status::type::other)
                listing_.push_back(std::move(entry.name));
    std::sort(listing_.begin(), listing_.end());
    return listing_;
}

void collector::adopt_siblings(source& where, std::string_view base, const moment& now) {
    if (where.target->first_application && !where.target->edited) return;
    const std::string directory = parent_of(base);
    const std::string_view name = base.substr(base.find_last_of('/') + 1);
    const auto& names = names_in(directory, now);
    std::vector<os::file_status> present;
    os::file_status own;
    if (disk_.status(base, own) == 0) present.push_back(own);
    std::vector<std::pair<std::int64_t, std::string>> found;  // birth, path
    for (auto at = std::upper_bound(names.begin(), names.end(), name);
         at != names.end() && at->starts_with(name); ++at) {
        if (!is_rotated(std::string_view{*at}.substr(name.size())) || is_compressed(*at)) continue;
        std::string path = child_of(directory, *at);
        os::file_status status;
        if (disk_.status(path, status) != 0) continue;
        present.push_back(status);
        // Whoever collects that path as its own reads it there.
        if (sources_.contains({path, where.target->target.topic})) continue;
        if (status.kind != os::file_status::type::regular) continue;
        // An empty one may have been truncated since it was seen.
        if (status.size == 0 && !by_inode_.contains(status.inode)) continue;
        found.emplace_back(status.birth_time, std::move(path));
    }
    std::sort(found.begin(), found.end());
    for (const auto& [born, path] : found)
        adopt(where, path, now);
    adopt_unfinished(where, present, now);
}

void collector::adopt(source& where, const std::string& path, const moment& now) {
    const auto& target = where.target->target;
    std::shared_ptr<os::file> file = disk_.open(path, target.trusted).file;
    os::file_status status;
    if (!file || file->status(status) != 0) return;
    const auto mode = os::file::read_mode::blocking;
    checkpoint::file_identity head{
        status.device, status.inode, status.generation, status.birth_time, 0, 0};
    if (read_head(*file, status.size, mode, head) != tail::look::same) return;
    bool cold = false;
    bool rewritten = false;
    const auto known = known_generation(*file, status, mode, cold, rewritten);
    tailer::start from;
    if (known) {
        if (active_.contains({known->id, target.topic})) return;
        if (rewritten) end_former_lives(where, *file, now);
        const auto& positions = store_.state().positions;
        const auto position = positions.find({known->id, target.topic});
        const auto* const place =
            position != positions.end() ? &position->second : earlier_position(known->id, target);
        if (!place || place->committed() >= status.size) return;
        bool usable = true;
        where.opened = std::move(file);
        from = resumed(where, *known, status, usable, cold, /*may_be_copy=*/true);
        file = std::move(where.opened);
        if (cold) return;
        if (!usable) {
            // Truncated and written anew, and then moved away.
            lost_unwatched(where, std::move(from), now);
            from = fresh_start(where, status, head, /*rewritten=*/true, now);
        }
    } else {
        // Whoever has it open sees that it was truncated, and goes on.
        for (const auto& one : where.tailers) {
            os::file_status open;
            if (one->file() && one->file()->status(open) == 0 && open.inode == status.inode &&
                open.device == status.device)
                return;
        }
        if (where.target->first_application) return;
        const bool young = status.birth_time != 0 &&
                           status.birth_time / 1'000'000 + tick_ms >= where.target->applied_ms;
        // Truncated since it was seen last, and then moved away: a life of its own.
        if (!rewritten && (!young || is_copy(where, *file))) return;
        if (rewritten) end_former_lives(where, *file, now);
        from = fresh_start(where, status, head, /*rewritten=*/true, now);
    }
    begin_draining(where, std::move(from), path, std::move(file), now);
}

bool collector::is_copy(const source& where, const os::file& file) const {
    // copytruncate leaves a copy behind: other inode, same bytes.
    std::array<char, head_bytes> head;
    const auto got = file.read({}, head, 0, os::file::read_mode::blocking);
    const std::string_view text{head.data(),
                                static_cast<std::size_t>(std::max<std::int64_t>(got, 0))};
    for (const auto& [id, record] : store_.state().generations) {
        const auto size = record.identity.head_size;
        if (record.path != where.path || size == 0) continue;
        // Some line ends at the beginning of a longer file say nothing about where it comes from.
        const bool telling = text.substr(0, size).find_first_not_of("\r\n\t ") != text.npos;
        if (!telling && text.size() > size) continue;
        if (check_head(file, record.identity, os::file::read_mode::blocking) == tail::look::same)
            return true;
    }
    return false;
}

}  // namespace logagent::tail

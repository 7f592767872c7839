// Generations that nobody reads now: found again under another name, in a copy or compressed;
// forgotten when their file is gone; given up when there is no more room for them.
#include <algorithm>
#include <cerrno>

#include "logagent/base/log.hpp"
#include "packed_file.hpp"
#include "siblings.hpp"
#include "source.hpp"

namespace logagent::tail {

namespace {

using checkpoint::byte_class;

constexpr std::size_t entries_a_turn = 500;  // a stat() each, about 1.3 us

}  // namespace

void collector::begin_review() {
    if (review_) return;
    auto fresh = std::make_unique<review>();
    for (const auto& [id, record] : store_.state().generations) {
        const auto reader = active_.lower_bound({id, {}});
        if (reader != active_.end() && reader->first.first == id) continue;
        const bool closing = std::any_of(closing_.begin(), closing_.end(), [&](const auto& one) {
            return one->generation().id == id;
        });
        if (closing) continue;
        const auto where = sources_.lower_bound({record.path, {}});
        const bool linked = where != sources_.end() && where->first.path == record.path &&
                            !where->second->real_path.empty();
        fresh->directories[parent_of(linked ? where->second->real_path : record.path)].push_back(
            id);
    }
    if (!fresh->directories.empty()) review_ = std::move(fresh);
}

bool collector::review_some(const moment& now) {
    if (!review_) return false;
    review& all = *review_;
    if (all.wanted.empty()) {
        if (all.directories.empty()) {
            review_.reset();
            return false;
        }
        auto next = all.directories.extract(all.directories.begin());
        all.directory = std::move(next.key());
        all.entries.clear();
        all.next_entry = 0;
        all.found.clear();
        const int code = disk_.list(all.directory, all.entries);
        // A directory that cannot be looked at right now is not gone.
        if (code != 0 && code != ENOENT && code != ENOTDIR) return true;
        for (const auto& id : next.mapped()) {
            const auto known = store_.state().generations.find(id);
            if (known != store_.state().generations.end())
                all.wanted.emplace(known->second.identity.inode, id);
        }
        return true;
    }
    review_entries(now);
    return true;
}

void collector::review_entries(const moment& now) {
    review& all = *review_;
    const auto stop = std::min(all.entries.size(), all.next_entry + entries_a_turn);
    for (; all.next_entry < stop; ++all.next_entry) {
        const auto& entry = all.entries[all.next_entry];
        if (entry.kind == os::file_status::type::directory) continue;
        const std::string path = child_of(all.directory, entry.name);
        os::file_status status;
        if (disk_.status(path, status) != 0) continue;
        const auto [first, last] = all.wanted.equal_range(status.inode);
        for (auto at = first; at != last; ++at) {
            const auto known = store_.state().generations.find(at->second);
            if (known == store_.state().generations.end()) continue;
            const auto& record = known->second;
            if (!may_be_same_inode(status, record.identity)) continue;
            all.found.insert(at->second);
            resume_grown(record, path, status.size, now);
        }
    }
    if (all.next_entry < all.entries.size()) return;
    for (const auto& [inode, id] : std::exchange(all.wanted, {})) {
        if (all.found.contains(id))
            missing_since_.erase(id);
        else
            missing(id, now);
    }
}

// Its writer went on after it was finished, or it was renamed in an unusual way or truncated while
// nobody looked.
void collector::resume_grown(const checkpoint::generation_record& known, const std::string& path,
                             std::uint64_t size, const moment& now) {
    if (known.path == path) return;
    const checkpoint::generation_record record = known;
    for (auto at = sources_.lower_bound({record.path, {}});
         at != sources_.end() && at->first.path == record.path; ++at) {
        const auto position = wanted_position(*at->second, record.id);
        if (!position || active_.contains({record.id, at->first.topic})) continue;
        if (!record.packed) {
            const bool truncated = size < record.identity.head_size;
            if (position->committed() < size || truncated) adopt(*at->second, path, now);
        } else if (position->classed() < position->size) {
            continue_elsewhere(*at->second, record, *position, now);
        }
    }
}

void collector::missing(const checkpoint::generation_id& id, const moment& now) {
    const auto known = store_.state().generations.find(id);
    const auto reader = active_.lower_bound({id, {}});
    if (known == store_.state().generations.end()) return;
    if (reader != active_.end() && reader->first.first == id) return;
    // A rename may have passed between the directory's entries, or the file may be on its way into
    // a compressed one.
    const auto [since, first] = missing_since_.try_emplace(id, now.steady);
    if (now.steady - since->second < options_.vanish_wait) return;
    missing_since_.erase(since);
    if (rebind(checkpoint::generation_record{known->second}, now)) return;
    lived(known->second.path, known->second.first_seen_ms, now);
    std::vector<checkpoint::position_record> positions;
    for (auto at = store_.state().positions.lower_bound({id, {}});
         at != store_.state().positions.end() && at->first.first == id; ++at)
        positions.push_back(at->second);
    for (auto& position : positions)
        vanished(std::move(position), known->second.path, now);
    forget_generation(id);
}

void collector::lived(std::string_view path, std::int64_t since_ms, const moment& now) {
    for (auto at = sources_.lower_bound({path, {}}); at != sources_.end() && at->first.path == path;
         ++at)
        at->second->lifetime_s = static_cast<double>(now.wall_ms - since_ms) / 1000;
}

// Where to go on in a generation: under another topic where the one that was edited had come to.
std::optional<checkpoint::position_record> collector::wanted_position(
    const source& where, const checkpoint::generation_id& id) const {
    const auto& target = where.target->target;
    const auto& positions = store_.state().positions;
    if (const auto own = positions.find({id, target.topic}); own != positions.end())
        return own->second;
    const auto* const earlier = earlier_position(id, target);
    if (!earlier) return std::nullopt;
    checkpoint::position_record position;
    position.generation = id;
    position.topic = target.topic;
    position.log_path = target.log_path;
    take_over(*earlier, earlier->newest(), position);
    for (auto at = positions.lower_bound({id, {}}); at != positions.end() && at->first.first == id;
         ++at)
        position.size = std::max(position.size, at->second.size);
    return position;
}

bool collector::rebind(const checkpoint::generation_record& known, const moment& now) {
    bool any = false;
    auto at = sources_.lower_bound({known.path, {}});
    // Should its target return, it goes on there.
    if (at == sources_.end() || at->first.path != known.path) return lies_elsewhere(known, now);
    for (; at != sources_.end() && at->first.path == known.path; ++at) {
        const auto position = wanted_position(*at->second, known.id);
        if (!position) continue;
        any = continue_elsewhere(*at->second, known, *position, now) || any;
    }
    return any;
}

bool collector::lies_elsewhere(const checkpoint::generation_record& known, const moment& now) {
    const auto& positions = store_.state().positions;
    for (auto at = positions.lower_bound({known.id, {}});
         at != positions.end() && at->first.first == known.id; ++at)
        if (find_continuation(known, at->second, known.path, /*trusted=*/false, now)) return true;
    return false;
}

void collector::vanished(checkpoint::position_record position, std::string_view path,
                         const moment& now) {
    const auto known = position.classed();
    if (position.size <= known) return;
    const bool wanted = std::any_of(targets_.begin(), targets_.end(), [&](const auto& each) {
        return each->target.log_path == position.log_path && each->target.topic == position.topic;
    });
    const auto kind = wanted ? byte_class::vanished : byte_class::stopped;
    const auto bytes = position.size - known;
    position.counts[static_cast<std::size_t>(kind)] += bytes;
    LOGAGENT_LOG(warn, "tail.vanished",
                 path << ": " << bytes << " bytes that were not read are gone with their file");
    store_.note({0,
                 position.generation,
                 std::string{path},
                 position.topic.str(),
                 kind,
                 {position.committed(), position.size},
                 bytes,
                 now.wall_ms,
                 wanted ? "the file is gone, and neither a copy nor a compressed one was found"
                        : "the file is gone, and its target had been stopped"});
    store_.put(position);
}

void collector::forget_generation(const checkpoint::generation_id& id) {
    store_.remove(id);
    missing_since_.erase(id);
    watched_to_end_.erase(id);
    std::erase_if(by_inode_, [&](const auto& each) { return each.second == id; });
}

std::optional<collector::continuation> collector::find_continuation(
    const checkpoint::generation_record& known, const checkpoint::position_record& position,
    std::string_view base, bool trusted, const moment& now) {
    if (known.identity.head_size == 0) return std::nullopt;
    const std::string directory = parent_of(base);
    const std::string_view name = base.substr(base.find_last_of('/') + 1);
    const std::vector<std::string> names = names_in(directory, now);
    for (auto at = std::upper_bound(names.begin(), names.end(), name);
         at != names.end() && at->starts_with(name); ++at) {
        if (!is_rotated(std::string_view{*at}.substr(name.size()))) continue;
        continuation found;
        found.path = child_of(directory, *at);
        if (try_continuation(known, position, trusted, found)) return found;
    }
    return std::nullopt;
}

bool collector::try_continuation(const checkpoint::generation_record& known,
                                 const checkpoint::position_record& position, bool trusted,
                                 continuation& out) {
    using os::file;
    auto opened = disk_.open(out.path, trusted);
    os::file_status status;
    if (!opened.file || opened.file->status(status) != 0 || status.size == 0) return false;
    // What is known as another life is no copy of this one.
    const auto [first, last] = by_inode_.equal_range(status.inode);
    for (auto at = first; at != last; ++at) {
        const auto other = store_.state().generations.find(at->second);
        if (other != store_.state().generations.end() && other->first != known.id &&
            may_be_same_inode(status, other->second.identity))
            return false;
        // Nor what another one is being read from; of a compressed file the journal has no word
        // yet.
        const auto reader = active_.lower_bound({at->second, {}});
        if (at->second != known.id && reader != active_.end() &&
            reader->first.first == at->second &&
            may_be_same_inode(status, reader->second->generation().identity))
            return false;
    }
    out.identity = {status.device,
                    status.inode,
                    status.generation,
                    status.birth_time,
                    known.identity.head_size,
                    known.identity.head_hash};
    auto kind = os::compression::none;
    if (os::detect_compression(*opened.file, file::read_mode::blocking, kind) != 0) return false;
    out.packed = kind != os::compression::none;
    const auto mode = file::read_mode::blocking;
    if (!out.packed) {
        if (check_head(*opened.file, known.identity, mode) != tail::look::same) return false;
        out.cut_short = ends_before(position, status.size);
        if (check_anchors(*opened.file, position, mode, status.size) != tail::look::same)
            return false;
        const bool holes = position.done.size() > 1;
        if (holes && position.newest() > status.size && !out.cut_short) return false;
        out.file = std::move(opened.file);
        return true;
    }
    auto packed = std::make_unique<os::compressed_file>(std::move(opened.file), kind);
    if (check_head(*packed, known.identity, mode) != tail::look::same) return false;
    out.file = std::make_unique<packed_file>(std::move(packed), position.newest());
    return true;
}

bool collector::continue_elsewhere(source& where, checkpoint::generation_record known,
                                   const checkpoint::position_record& position, const moment& now,
                                   const tailer* behind) {
    const auto& target = where.target->target;
    const std::string_view base = where.real_path.empty() ? where.path : where.real_path;
    auto found = find_continuation(known, position, base, target.trusted, now);
    if (!found) return false;
    const auto id = known.id;
    std::erase_if(by_inode_, [&](const auto& each) { return each.second == id; });
    known.identity = found->identity;
    known.packed = found->packed;
    by_inode_.emplace(known.identity.inode, id);
    // Of a file that was finished while somebody watched it there is nothing left to read.
    const bool finished = watched_to_end_.contains(id) && position.classed() >= position.size;
    // Only what was read to its end is known as compressed and not looked for again: a stop before
    // that must find it once more.
    if (finished || !known.packed) store_.put(known);
    store_.put(position);
    if (!finished) {
        tailer::start from{std::move(known), position, true, true, found->packed, found->cut_short};
        begin_draining(where, std::move(from), found->path, std::move(found->file), now, behind);
    }
    return true;
}

void collector::begin_draining(source& where, tailer::start from, const std::string& path,
                               std::shared_ptr<os::file> file, const moment& now,
                               const tailer* behind) {
    LOGAGENT_LOG(info, "tail.adopted",
                 path << " was " << where.path << " and is not finished: read from "
                      << from.position.newest());
    tailer* const current = where.current();
    auto identified = std::exchange(where.opened, std::move(file));
    begin_tailing(where, std::move(from), now);
    where.opened = std::move(identified);
    where.tailers.back()->drain(now);
    // Older than the file that is at the path now and than what was seen later, so it is sent
    // before them. Which name it has says nothing: it may go on in a copy or in a compressed file.
    const auto seen = where.tailers.back()->generation().first_seen_ms;
    auto place = std::ranges::find_if(where.tailers, [&](const auto& one) {
        if (behind) return one.get() == behind;
        return one.get() == current || one->generation().first_seen_ms > seen;
    });
    if (behind && place != where.tailers.end()) ++place;
    if (place != where.tailers.end())
        std::rotate(place, where.tailers.end() - 1, where.tailers.end());
}

// Generations of this path that a former process knew and that are under no name that was looked
// at.
void collector::adopt_unfinished(source& where, const std::vector<os::file_status>& present,
                                 const moment& now) {
    std::vector<checkpoint::generation_id> ids;
    const auto [first, last] = unclaimed_.equal_range(hash(where.path));
    for (auto at = first; at != last; ++at)
        ids.push_back(at->second);
    unclaimed_.erase(first, last);
    // A longer head says more: what begins with some line ends may be any of them.
    const auto& generations = store_.state().generations;
    const auto head_size = [&](const checkpoint::generation_id& id) {
        const auto known = generations.find(id);
        return known == generations.end() ? 0 : known->second.identity.head_size;
    };
    std::ranges::stable_sort(ids, std::ranges::greater{}, head_size);
    for (const auto& id : ids) {
        const auto known = store_.state().generations.find(id);
        if (known == store_.state().generations.end() || known->second.path != where.path) continue;
        const auto same = [&](const os::file_status& status) {
            return may_be_same_inode(status, known->second.identity);
        };
        if (std::any_of(present.begin(), present.end(), same)) continue;
        const auto position = wanted_position(where, id);
        if (!position || active_.contains({id, position->topic})) continue;
        if (known->second.packed && position->classed() >= position->size) continue;
        continue_elsewhere(where, checkpoint::generation_record{known->second}, *position, now);
    }
}

void collector::limit_held(const moment& now) {
    std::vector<std::pair<std::int64_t, tailer*>> held;  // first seen
    std::uint64_t bytes = 0;
    for_each_tailer([&](tailer& one) {
        os::file_status status;
        if (!one.draining() || one.ended() || !one.file()) return;
        if (one.file()->status(status) != 0 || status.links != 0) return;
        held.emplace_back(one.generation().first_seen_ms, &one);
        bytes += status.size;
    });
    std::sort(held.begin(), held.end());
    for (const auto& [seen, one] : held) {
        if (bytes <= options_.held_deleted_bytes) return;
        const auto size = one->file_size();
        LOGAGENT_LOG(warn, "tail.abandoned",
                     one->path() << ": closed, since deleted files may hold at most "
                                 << options_.held_deleted_bytes << " bytes (held_deleted_bytes); "
                                 << size - one->read_offset()
                                 << " bytes of it that were not read are lost unless a compressed "
                                    "copy has them");
        bytes -= std::min(bytes, size);
        one->abandon_file(now);
        make_ready(*one);
    }
}

}  // namespace logagent::tail

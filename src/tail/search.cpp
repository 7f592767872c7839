// Which paths a glob means, and what a directory's event means for all that.
#include <algorithm>
#include <cerrno>

#include "logagent/base/glob.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "siblings.hpp"
#include "source.hpp"

namespace logagent::tail {

namespace {

constexpr int directories_a_turn = 16;

// A glob that reaches compressed files means the logs they were made from, unless it says so.
bool packed_by_rotation(std::string_view glob, std::string_view path) {
    return is_compressed(path) && !is_compressed(glob);
}

}  // namespace

void collector::search(const std::shared_ptr<live_target>& target, std::string directory) {
    searches_.push_back({target, std::move(directory)});
}

void collector::watch_for_search(const std::string& directory) {
    if (searched_directories_.contains(directory)) return;
    if (watches_.watch(directory) == 0) searched_directories_.insert(directory);
}

bool collector::search_some() {
    for (int left = directories_a_turn; left > 0 && !searches_.empty(); --left) {
        const glob_search next = std::move(searches_.front());
        searches_.pop_front();
        const auto& target = next.target->target;
        watch_for_search(next.directory);
        std::vector<os::disk::entry> entries;
        if (disk_.list(next.directory, entries) != 0) continue;
        for (const auto& entry : entries) {
            const std::string path = child_of(next.directory, entry.name);
            const bool directory = entry.kind == os::file_status::type::directory;
            if (directory) {
                if (base::glob_may_lie_below(target.log_path, path)) search(next.target, path);
                continue;
            }
            if (!base::glob_matches(target.log_path, path)) continue;
            if (fleet::excludes(target, path) || packed_by_rotation(target.log_path, path))
                continue;
            claim(path, next.target);
        }
    }
    return !searches_.empty();
}

void collector::appeared(const std::string& path) {
    for (const auto& target : targets_) {
        if (!target->target.is_glob()) continue;
        const bool fits = base::glob_matches(target->target.log_path, path) &&
                          !fleet::excludes(target->target, path) &&
                          !packed_by_rotation(target->target.log_path, path);
        const bool below = base::glob_may_lie_below(target->target.log_path, path);
        if (!fits && !below) continue;
        os::file_status status;
        const int code = disk_.status(path, status);
        if (code == 0 && status.kind == os::file_status::type::directory) {
            if (below) search(target, path);
        } else if (fits && (code == 0 || code == ENOENT)) {
            // One that was rotated away already is found beside its path.
            claim(path, target);
        }
    }
    // A directory on the way to a wanted file has come.
    const std::string inside = path + "/";
    for (const auto& [key, where] : sources_)
        if (where->tailers.empty() && key.path.view().starts_with(inside)) want_look(*where);
}

void collector::changed(os::inotify::change what, std::string_view directory, std::string_view name,
                        const moment& now) {
    using change = os::inotify::change;
    now_ = now;
    if (what == change::overflow) {
        sweep_soon_ = true;
        listed_.clear();
        return;
    }
    if (what == change::unwatched) {
        searched_directories_.erase(std::string{directory});
        for (const auto& [key, where] : sources_)
            forget_watched(*where, directory);  // the next look watches what is there then
        sweep_soon_ = true;
        return;
    }
    if (what != change::written && directory == listed_) listed_.clear();
    const std::string path = child_of(directory, name);
    const auto [first, last] = by_path_.equal_range(path);
    for (auto at = first; at != last; ++at) {
        source& where = *at->second;
        tailer* const current = where.current();
        if (what == change::written && current) {
            // One that is about to read learns the rest from its file.
            auto& links = current->links;
            links.inspect = links.inspect || !links.ready || current->caught_up();
            make_ready(*current);
        } else {
            want_look(where);
        }
    }
    if (what == change::appeared) appeared(path);
}

}  // namespace logagent::tail

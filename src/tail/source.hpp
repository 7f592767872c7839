#pragma once

#include "logagent/tail/collector.hpp"

namespace logagent::tail {

/// One path of one topic: the file that is there now, and its predecessors that are not finished.
struct collector::source {
    source(const base::shared_text& at, std::shared_ptr<live_target> by, time_point now)
        : path{at},
          target{std::move(by)},
          limit{target->target.send_rate, target->target.send_rate_bytes, now} {}

    const base::shared_text path;
    std::shared_ptr<live_target> target;
    delivery::rate_limit limit;  // of the path: it goes on over rotations
    // Oldest first. The last one is the file at the path unless it is draining.
    std::vector<std::unique_ptr<tailer>> tailers;

    std::shared_ptr<os::file> opened;  // being identified; its bytes were not in the cache
    time_point opened_at{};
    directory_list watched;       // null = none
    base::shared_text real_path;  // registered in by_path_ too, where it differs
    double lifetime_s = 0;        // of the last file that was deleted; 0 = none was seen
    std::string_view state = "waiting";
    base::shared_text error;
    bool polled = false;
    bool look_queued = false;
    bool looked = false;    // at least once since it was claimed
    bool missing = false;   // at the last opening
    bool followed = false;  // what comes to the path now takes the place of a file that was read
    time_point look_at{};   // the earliest of its look timers; the epoch = none

    tailer* current() const noexcept {
        if (tailers.empty() || tailers.back()->draining()) return nullptr;
        return tailers.back().get();
    }
};

/// A directory that is still to be searched for a glob.
struct collector::glob_search {
    std::shared_ptr<live_target> target;
    std::string directory;
};

/// One look at every directory in which a generation should lie that nobody reads.
struct collector::review {
    std::map<std::string, std::vector<checkpoint::generation_id>> directories;  // still to do
    // Of the directory at hand:
    std::string directory;
    std::vector<os::disk::entry> entries;
    std::size_t next_entry = 0;
    std::multimap<std::uint64_t, checkpoint::generation_id> wanted;  // by inode
    std::set<checkpoint::generation_id> found;
};

template <class Each>
void collector::for_each_tailer(Each each) const {
    for (const auto& [key, where] : sources_)
        for (const auto& one : where->tailers)
            each(*one);
    for (const auto& one : closing_)
        each(*one);
}

}  // namespace logagent::tail

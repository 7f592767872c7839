#include "path_listing.hpp"

#include <algorithm>

#include "json_writer.hpp"
#include "logagent/base/glob.hpp"

namespace logagent::agent {

namespace {

using kind = os::file_status::type;

constexpr int files_a_step = 50;

}  // namespace

path_listing::path_listing(os::disk& disk, std::string glob, std::size_t limit)
    : disk_{disk}, glob_{std::move(glob)}, limit_{limit} {
    if (base::is_glob(glob_))
        directories_.emplace_back(base::glob_directory(glob_));
    else
        files_.push_back(glob_);
}

bool path_listing::step() {
    for (int left = files_a_step; left > 0 && !files_.empty(); --left) {
        const auto path = std::move(files_.front());
        files_.pop_front();
        consider(path);
    }
    if (!files_.empty()) return true;
    if (directories_.empty()) return false;
    const auto directory = std::move(directories_.front());
    directories_.pop_front();
    if (disk_.allowed(directory, false)) list(directory);
    return !directories_.empty() || !files_.empty();
}

void path_listing::list(const std::string& directory) {
    std::vector<os::disk::entry> entries;
    if (disk_.list(directory, entries) != 0) return;
    std::sort(entries.begin(), entries.end(),
              [](const auto& left, const auto& right) { return left.name < right.name; });
    for (const auto& entry : entries) {
        if (++entries_ > most_entries || count_ + files_.size() > limit_) {
            more_ = true;
            directories_.clear();
            return;
        }
        const auto path = (directory == "/" ? "" : directory) + "/" + entry.name;
        // Links to directories are not followed: they may lead out, or back.
        if (entry.kind == kind::directory) {
            if (base::glob_may_lie_below(glob_, path)) directories_.push_back(path);
        } else if (base::glob_matches(glob_, path)) {
            files_.push_back(path);
        }
    }
}

void path_listing::consider(const std::string& path) {
    if (!disk_.allowed(path, false)) return;
    if (count_ >= limit_ || found_.size() >= most_bytes) {
        more_ = true;
        return;
    }
    // As the agent opens it: each hop of a link is asked about.
    const auto opened = disk_.open(path, false);
    os::file_status status;
    if (!opened.file || opened.file->status(status) != 0) return;
    json_writer out;
    out.open('{').member("path", path).member("size", status.size);
    out.member("modified", utc_time(status.modified / 1'000'000)).close('}');
    found_ += (found_.empty() ? "" : ",") + out.take();
    ++count_;
}

std::string path_listing::members() const {
    return "\"paths\":[" + found_ + "],\"more\":" + (more_ ? "true" : "false");
}

}  // namespace logagent::agent

#include "cli/file_matches.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "logagent/base/error.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/fleet/logconfig.hpp"

namespace logagent::cli {

namespace {

using kind = os::file_status::type;

constexpr std::size_t most_listed = 1'000'000;  // directory entries looked at in one run

class search {
public:
    search(os::disk& disk, std::span<const fleet::log_target> targets, std::int64_t now_ms,
           std::size_t limit)
        : disk_{disk}, targets_{targets}, now_ms_{now_ms}, limit_{limit} {}

    file_matches run() && {
        for (const auto& target : targets_) {
            if (target.is_glob())
                walk(target, std::string{base::glob_directory(target.log_path)});
            else
                claim(target.log_path, target);
        }
        for (const auto& [key, target] : claims_)
            out_.files.push_back(look(key.first, *target));
        return std::move(out_);
    }

private:
    /// Which target is the more exact one: no glob, then the longer literal beginning, then the
    /// order of the array.
    static bool beats(const fleet::log_target& one, const fleet::log_target& other) {
        const auto rank = [](const fleet::log_target& target) {
            return std::tuple{!target.is_glob(), base::glob_literal_prefix(target.log_path).size()};
        };
        return rank(one) > rank(other);
    }

    void claim(const std::string& path, const fleet::log_target& target) {
        const auto key = std::pair{path, target.topic};
        const auto found = claims_.find(key);
        if (found != claims_.end()) {
            if (beats(target, *found->second)) found->second = &target;
        } else if (claims_.size() < limit_) {
            claims_.emplace(key, &target);
        } else {
            out_.cut = true;
        }
    }

    void walk(const fleet::log_target& target, const std::string& directory) {
        std::vector<os::disk::entry> entries;
        if (disk_.list(directory, entries) != 0) return;
        for (const auto& entry : entries) {
            if (out_.cut || ++listed_ > most_listed) {
                out_.cut = true;
                return;
            }
            const auto path = (directory == "/" ? "" : directory) + "/" + entry.name;
            if (is_directory(target, path, entry.kind)) {
                if (base::glob_may_lie_below(target.log_path, path)) walk(target, path);
            } else if (base::glob_matches(target.log_path, path) &&
                       !fleet::excludes(target, path)) {
                claim(path, target);
            }
        }
    }

    /// Links are followed only where the pattern bounds the depth: below `**` a link to a parent
    /// would never end.
    bool is_directory(const fleet::log_target& target, const std::string& path, kind seen) {
        if (seen == kind::directory) return true;
        if (seen != kind::symlink && seen != kind::other) return false;
        if (target.log_path.find("**") != std::string::npos && seen == kind::symlink) return false;
        os::file_status status;
        return disk_.status(path, status) == 0 && status.kind == kind::directory;
    }

    file_match look(const std::string& path, const fleet::log_target& target) {
        file_match out{path, target.log_path, target.topic, target.service, {}, 0, {}, false};
        const auto opened = disk_.open(path, target.trusted);
        if (!opened.file) {
            out.refused = opened.failure.text;
            out.missing = opened.failure.reason == os::open_error::missing;
            return out;
        }
        if (const int code = opened.file->status(out.status); code != 0) {
            out.refused = "cannot be looked at: " + base::describe_errno(code);
            return out;
        }
        if (target.start == fleet::start_at::end) out.start_offset = out.status.size;
        const auto age_s = (now_ms_ - out.status.modified / 1'000'000) / 1000;
        if (target.ignore_older_s > 0 && age_s > static_cast<std::int64_t>(target.ignore_older_s))
            out.refused = "was last written " + std::to_string(age_s) +
                          " s ago; ignore_older_s is " + std::to_string(target.ignore_older_s);
        return out;
    }

    os::disk& disk_;
    std::span<const fleet::log_target> targets_;
    std::int64_t now_ms_;
    std::size_t limit_;
    std::map<std::pair<std::string, std::string>, const fleet::log_target*> claims_;
    std::size_t listed_ = 0;
    file_matches out_;
};

}  // namespace

file_matches find_files(os::disk& disk, std::span<const fleet::log_target> targets,
                        std::int64_t now_ms, std::size_t limit) {
    return search{disk, targets, now_ms, limit}.run();
}

}  // namespace logagent::cli

#include "os/link_walk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>

#include "logagent/os/path_policy.hpp"

namespace logagent::os {

namespace {

constexpr int most_links = 40;

class walker {
public:
    walker(std::string_view path, const hop_check& check) : path_{path}, check_{check} {}

    link_walk run() {
        prepend(path_);
        if (hop_is_fine()) {
            while (!pending_.empty() && !out_.failure)
                step();
        }
        if (!out_.failure) {
            remember(parent_of(current_));
            out_.real_path = current_.empty() ? "/" : current_;
        }
        name_own_directory();
        return std::move(out_);
    }

private:
    /// First, because it is what the path's events are told under. Not where it may lead to a file
    /// system that hangs: watching it would.
    void name_own_directory() {
        if (out_.failure && out_.failure->reason == open_error::network_fs) return;
        const auto own = clean(path_.substr(0, path_.rfind('/')));
        std::erase(out_.directories, own);
        out_.directories.insert(out_.directories.begin(), own);
    }

    void prepend(std::string_view path) {
        std::vector<std::string> parts;
        for (std::size_t begin = 0; begin < path.size();) {
            const auto end = std::min(path.find('/', begin), path.size());
            if (end > begin) parts.emplace_back(path.substr(begin, end - begin));
            begin = end + 1;
        }
        pending_.insert(pending_.begin(), parts.begin(), parts.end());
    }

    void step() {
        const auto name = std::move(pending_.front());
        pending_.pop_front();
        if (name == ".") return;
        if (name == "..") {  // what stands before it has no links any more
            current_ = parent_of(current_);
            if (current_ == "/") current_.clear();
            return;
        }
        const auto next = current_ + "/" + name;
        struct ::stat status;
        if (::fstatat(AT_FDCWD, next.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
            return fail(reason_of(errno), next + ": " + std::strerror(errno));
        if (S_ISLNK(status.st_mode)) return follow(next);
        if (!pending_.empty() && !S_ISDIR(status.st_mode))
            return fail(open_error::missing, next + " is not a directory");
        current_ = next;
    }

    void follow(const std::string& link) {
        if (++links_ > most_links) return fail(open_error::link_loop, link + ": too many links");
        char target[PATH_MAX];
        const auto length = ::readlink(link.c_str(), target, sizeof target);
        if (length < 0) return fail(reason_of(errno), link + ": " + std::strerror(errno));
        remember(current_.empty() ? "/" : current_);
        prepend({target, static_cast<std::size_t>(length)});
        if (length > 0 && target[0] == '/') current_.clear();
        hop_is_fine();
    }

    bool hop_is_fine() {
        std::string hop = current_;
        for (const auto& name : pending_)
            hop.append("/").append(name);
        hop = path_policy::normalise(hop);
        auto refusal = check_(hop);
        if (!refusal) return true;
        out_.failure = std::move(refusal);
        return false;
    }

    void fail(open_error reason, std::string text) {
        // Something may appear here later: the nearest directory that exists is worth watching.
        remember(current_.empty() ? "/" : current_);
        out_.failure = open_failure{reason, std::move(text)};
    }

    void remember(const std::string& directory) {
        auto& all = out_.directories;
        if (std::find(all.begin(), all.end(), directory) == all.end()) all.push_back(directory);
    }

    static std::string parent_of(const std::string& path) {
        const auto slash = path.rfind('/');
        return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
    }

    /// Without double slashes; ".." stays, because it is not a matter of text where it leads.
    static std::string clean(std::string_view path) {
        std::string out;
        for (const char c : path) {
            if (c != '/' || out.empty() || out.back() != '/') out += c;
        }
        if (out.size() > 1 && out.back() == '/') out.pop_back();
        return out.empty() ? "/" : out;
    }

    std::string_view path_;
    const hop_check& check_;
    link_walk out_;
    std::string current_;  // without links; empty = the root
    std::deque<std::string> pending_;
    int links_ = 0;
};

}  // namespace

link_walk walk_links(std::string_view path, const hop_check& check) {
    return walker{path, check}.run();
}

open_error reason_of(int error) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return open_error::missing;
        case EACCES:
        case EPERM:
            return open_error::no_permission;
        case ELOOP:
            return open_error::link_loop;
        case EAGAIN:
            return open_error::busy;
        case EMFILE:
        case ENFILE:
            return open_error::exhausted;
        default:
            return open_error::io;
    }
}

}  // namespace logagent::os

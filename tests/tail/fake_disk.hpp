#pragma once

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "logagent/os/disk.hpp"
#include "logagent/tail/collector.hpp"

namespace logagent::test {

/// Files in memory with inodes, names and the ways in which log files change. Inode numbers are
/// reused as soon as no name and no descriptor is left, as ext4 does.
class fake_disk final : public os::disk {
public:
    struct node {
        std::string content;
        std::uint64_t inode = 0;
        std::int64_t born = 0;
        std::int64_t modified = 0;
        std::uint32_t links = 1;
        std::uint32_t handles = 0;     // descriptors of the program under test
        std::uint64_t cached = ~0ULL;  // bytes from here on have to be fetched first
        int failing = 0;               // errno of every read
    };

    std::int64_t now_ns = 1'000'000'000'000;
    std::int64_t birth_tick_ns = 1;  // birth times come from a clock that ticks
    std::map<std::string, std::shared_ptr<node>> names;
    std::set<std::string> denied;
    std::set<std::string> busy;  // cannot be opened now
    std::size_t opens = 0;

    void write(const std::string& path, std::string_view bytes) {
        auto& at = names[path];
        if (!at) {
            at = std::make_shared<node>();
            at->inode = free_inode();
            now_ns += 1'000'000;
            at->born = now_ns / birth_tick_ns * birth_tick_ns;
        }
        at->content += bytes;
        at->modified = now_ns;
    }
    std::shared_ptr<node> at(const std::string& path) const {
        const auto found = names.find(path);
        return found == names.end() ? nullptr : found->second;
    }
    /// Where a file is now; empty = deleted.
    std::string name_of(const node& file) const {
        for (const auto& [path, at] : names)
            if (at.get() == &file) return path;
        return {};
    }
    void truncate(const std::string& path, std::size_t size) {
        names.at(path)->content.resize(size);
    }
    void rename(const std::string& from, const std::string& to) {
        remove(to);
        names[to] = names.at(from);
        names.erase(from);
    }
    void remove(const std::string& path) {
        const auto found = names.find(path);
        if (found == names.end()) return;
        if (--found->second->links == 0 && found->second->handles > 0)
            unlinked_.push_back(found->second);
        names.erase(found);
    }

    opened open(std::string_view path, bool) override {
        opened result;
        ++opens;
        result.directories = {directory_of(path)};
        result.real_path = path;
        const std::string name{path};
        if (denied.contains(name)) {
            result.failure = {os::open_error::not_allowed, "outside allow_paths"};
            return result;
        }
        if (busy.contains(name)) {
            result.failure = {os::open_error::busy, "was replaced meanwhile"};
            return result;
        }
        const auto found = names.find(name);
        if (found == names.end()) {
            result.failure = {os::open_error::missing, "no such file"};
            return result;
        }
        result.file = std::make_unique<open_file>(found->second);
        return result;
    }
    int status(std::string_view path, os::file_status& out) override {
        const auto found = names.find(std::string{path});
        if (found == names.end()) return ENOENT;
        out = status_of(*found->second);
        return 0;
    }
    int list(std::string_view directory, std::vector<entry>& out) override {
        std::string below{directory};
        below += '/';
        std::set<std::string> directories;
        for (const auto& [path, at] : names) {
            if (!path.starts_with(below)) continue;
            const auto slash = path.find('/', below.size());
            if (slash == std::string::npos)
                out.push_back({path.substr(below.size()), os::file_status::type::regular});
            else
                directories.insert(path.substr(below.size(), slash - below.size()));
        }
        for (const auto& name : directories)
            out.push_back({name, os::file_status::type::directory});
        return 0;
    }
    bool allowed(std::string_view path, bool) const override {
        return !denied.contains(std::string{path});
    }

private:
    static std::string directory_of(std::string_view path) {
        return std::string{path.substr(0, path.find_last_of('/'))};
    }
    static os::file_status status_of(const node& of) {
        os::file_status status;
        status.kind = os::file_status::type::regular;
        status.device = 1;
        status.inode = of.inode;
        status.birth_time = of.born;
        status.modified = of.modified;
        status.size = of.content.size();
        status.links = of.links;
        return status;
    }
    std::uint64_t free_inode() const {
        for (std::uint64_t inode = 1;; ++inode) {
            bool used = false;
            for (const auto& [path, at] : names)
                used = used || (at && at->inode == inode);
            for (const auto& held : unlinked_)
                used = used || (held->handles > 0 && held->inode == inode);
            if (!used) return inode;
        }
    }

    struct open_file final : os::file {
        explicit open_file(std::shared_ptr<node> opened) : of{std::move(opened)} { ++of->handles; }
        ~open_file() override { --of->handles; }
        int status(os::file_status& out) const override {
            out = status_of(*of);
            return 0;
        }
        /// From the cache it is as the kernel does it: up to where the cache ends, which may be in
        /// the middle of a line, and EAGAIN behind it.
        std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                          read_mode mode) const override {
            if (of->failing != 0) return -of->failing;
            std::uint64_t known = of->content.size();
            if (mode == read_mode::cached) known = std::min(known, of->cached);
            if (known <= offset && offset < of->content.size()) return -EAGAIN;
            std::int64_t total = 0;
            for (const auto part : {first, second}) {
                if (offset >= known) break;
                const auto size = std::min<std::uint64_t>(part.size(), known - offset);
                if (size == 0) continue;  // an empty span may have no address
                std::memcpy(part.data(), of->content.data() + offset, size);
                offset += size;
                total += static_cast<std::int64_t>(size);
                if (size < part.size()) break;
            }
            return total;
        }
        void will_need(std::uint64_t offset, std::uint64_t size) const override {
            if (of->cached < offset + size) of->cached = offset + size;
        }
        std::shared_ptr<node> of;
    };

    std::vector<std::shared_ptr<node>> unlinked_;  // deleted while they were open
};

/// Watches nothing: the tests tell the collector what changed.
class no_watches final : public tail::directory_watch {
public:
    int watch(const std::string& directory) override {
        ++counts[directory];
        return 0;
    }
    void unwatch(const std::string& directory) override { --counts[directory]; }
    std::map<std::string, int> counts;
};

}  // namespace logagent::test

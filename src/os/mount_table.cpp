#include "os/mount_table.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>

#include "logagent/os/path_policy.hpp"
#include "os/file_system.hpp"

namespace logagent::os {

namespace {

std::string_view take_word(std::string_view& line) {
    const auto end = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

/// Space, tab, line end and backslash are three octal digits behind a backslash.
std::string unescape(std::string_view text) {
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && digit(i + 1) && digit(i + 2) &&
            digit(i + 3)) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                     (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

std::vector<mount_table::mount> mount_table::parse(std::string_view mountinfo) {
    std::vector<mount> out;
    while (!mountinfo.empty()) {
        const auto end = std::min(mountinfo.find('\n'), mountinfo.size());
        auto line = mountinfo.substr(0, end);
        mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
        // id, parent, major:minor, root, point, options, optional fields, "-", type, ...
        for (int skipped = 0; skipped < 4; ++skipped)
            take_word(line);
        mount found;
        found.point = unescape(take_word(line));
        const auto dash = line.find(" - ");
        if (found.point.empty() || dash == std::string_view::npos) continue;
        line.remove_prefix(dash + 3);
        found.file_system = std::string{take_word(line)};
        found.hangs = may_hang(found.file_system);
        out.push_back(std::move(found));
    }
    return out;
}

const mount_table::mount* mount_table::holding(const std::vector<mount>& mounts,
                                               std::string_view path) {
    const mount* best = nullptr;
    for (const auto& candidate : mounts) {
        const std::string_view point = candidate.point;
        const bool inside =
            point == "/" ||
            (path.starts_with(point) && (path.size() == point.size() || path[point.size()] == '/'));
        if (inside && (!best || point.size() >= best->point.size())) best = &candidate;
    }
    return best;
}

mount_table::mount_table() : fd_{::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)} {
    refresh();
}

std::string mount_table::hanging(std::string_view path) {
    if (!any_hangs()) return {};
    const auto* found = holding(mounts_, path_policy::normalise(path));
    return found && found->hangs ? found->file_system : std::string{};
}

bool mount_table::any_hangs() {
    // The kernel reports a changed table as an exceptional condition; one cheap call a look.
    pollfd changed{fd_.get(), POLLPRI, 0};
    if (fd_ && ::poll(&changed, 1, 0) > 0) refresh();
    return any_hangs_;
}

void mount_table::refresh() {
    if (!fd_) return;
    std::string text;
    char buffer[16384];
    ::lseek(fd_.get(), 0, SEEK_SET);
    for (ssize_t got; (got = ::read(fd_.get(), buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    mounts_ = parse(text);
    any_hangs_ = std::ranges::any_of(mounts_, &mount::hangs);
}

}  // namespace logagent::os

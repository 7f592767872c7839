#include "os/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

namespace {

// Newer than the headers of bookworm.
constexpr std::uint64_t truncate_right = 1ull << 14;

constexpr std::uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t write_rights =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER |
    truncate_right;
/// Nobody needs these: no rule grants them, so they are refused everywhere.
constexpr std::uint64_t never_rights =
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
/// What a rule about a file, and not a directory, may name.
constexpr std::uint64_t file_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                      LANDLOCK_ACCESS_FS_EXECUTE | truncate_right;

/// What a client of TLS and DNS reads. All of /etc: resolv.conf and hosts are replaced by renaming,
/// and a rule about one file would not hold for the next one.
constexpr const char* system_paths[] = {"/etc",
                                        "/proc",
                                        "/sys",
                                        "/dev/urandom",
                                        "/usr/lib/ssl",
                                        "/usr/share/ca-certificates",
                                        "/usr/share/zoneinfo",
                                        "/run/systemd/resolve",
                                        "/run/NetworkManager",
                                        "/run/resolvconf"};

/// Rules until they are enforced. What is not there gets no rule.
class rule_set {
public:
    explicit rule_set(int version) {
        handled_ = read_rights | write_rights | never_rights | LANDLOCK_ACCESS_FS_EXECUTE;
        if (version < 2) handled_ &= ~std::uint64_t{LANDLOCK_ACCESS_FS_REFER};
        if (version < 3) handled_ &= ~truncate_right;
        ::landlock_ruleset_attr attributes{};
        attributes.handled_access_fs = handled_;
        fd_.reset(static_cast<int>(
            ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
    }

    explicit operator bool() const { return static_cast<bool>(fd_); }

    void allow(const std::string& path, std::uint64_t rights) {
        const unique_fd place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
        struct ::stat seen;
        if (!place || ::fstat(place.get(), &seen) != 0) return;
        if (!S_ISDIR(seen.st_mode)) rights &= file_rights;
        ::landlock_path_beneath_attr rule{};
        rule.allowed_access = rights & handled_;
        rule.parent_fd = place.get();
        ::syscall(SYS_landlock_add_rule, fd_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }

    int enforce() { return ::syscall(SYS_landlock_restrict_self, fd_.get(), 0) == 0 ? 0 : errno; }

private:
    std::uint64_t handled_ = 0;
    unique_fd fd_;
};

/// This program starts itself for a replay. One that is linked dynamically needs its libraries.
void allow_own_program(rule_set& rules) {
    constexpr std::uint64_t run = read_rights | LANDLOCK_ACCESS_FS_EXECUTE;
    rules.allow("/proc/self/exe", run);
    if (::getauxval(AT_BASE) == 0) return;
    for (const char* path : {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"})
        rules.allow(path, run);
}

/// Allows the roots, and says "" or which of them is so wide that nothing is limited.
std::string allow_reading(rule_set& rules, const confinement& needed) {
    if (!needed.reads_everything.empty()) return needed.reads_everything;
    std::string missing;
    for (const auto& path : needed.readable) {
        const auto root = existing_root(path);
        if (root != "/")
            rules.allow(root, read_rights);
        else
            missing += (missing.empty() ? "" : ", ") + path;
    }
    if (missing.empty()) return {};
    return "since " + missing + (missing == "/" ? " is allowed" : " may still come");
}

/// Where /etc/resolv.conf really lies, if not in one of the usual places.
void allow_name_servers(rule_set& rules) {
    std::error_code ignored;
    const auto real = std::filesystem::canonical("/etc/resolv.conf", ignored);
    if (!ignored) rules.allow(real.parent_path().string(), read_rights);
}

}  // namespace

confinement_layer limit_paths(const confinement& needed) {
    confinement_layer out{"paths", false, {}};
    const auto version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        out.detail = "this kernel has no Landlock";
        return out;
    }
    rule_set rules{static_cast<int>(version)};
    if (!rules) {
        out.detail = std::strerror(errno);
        return out;
    }
    for (const auto* path : system_paths)
        rules.allow(path, read_rights);
    rules.allow("/dev/null", read_rights | LANDLOCK_ACCESS_FS_WRITE_FILE);
    allow_name_servers(rules);
    allow_own_program(rules);
    for (const auto& path : needed.writable)
        rules.allow(path, read_rights | write_rights);
    // Names may be listed everywhere: a glob is followed from above its root.
    rules.allow("/", LANDLOCK_ACCESS_FS_READ_DIR);
    const auto unlimited = allow_reading(rules, needed);
    if (!unlimited.empty()) rules.allow("/", read_rights);
    if (const int failed = rules.enforce(); failed != 0) {
        out.detail = std::strerror(failed);
        return out;
    }
    out.active = true;
    out.detail =
        unlimited.empty() ? "reading and writing" : "writing; reading is not, " + unlimited;
    return out;
}

}  // namespace logagent::os

#include "logagent/os/confinement.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "os/landlock.hpp"
#include "os/system_calls.hpp"

namespace logagent::os {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;  // the leak checker traces its own process
#else
constexpr bool sanitized = false;
#endif

struct capability_name {
    int number;
    std::string_view name;
};
constexpr capability_name kept_ones[] = {
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
    {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"},
};

std::uint64_t wanted_capabilities(const confinement& needed) {
    std::uint64_t out = 0;
    if (needed.read_any_file) out |= 1ull << CAP_DAC_READ_SEARCH;
    if (needed.low_ports) out |= 1ull << CAP_NET_BIND_SERVICE;
    return out;
}

/// All three sets as 64-bit numbers.
struct capability_sets {
    std::uint64_t effective = 0, permitted = 0, inheritable = 0;
    bool operator==(const capability_sets&) const = default;
};

// There is no function of libc for these two, and libcap would be a library for two calls.
int get(capability_sets& out) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) != 0) return errno;
    const auto both = [](std::uint32_t low, std::uint32_t high) {
        return low | (std::uint64_t{high} << 32);
    };
    out = {both(data[0].effective, data[1].effective), both(data[0].permitted, data[1].permitted),
           both(data[0].inheritable, data[1].inheritable)};
    return 0;
}

int set(const capability_sets& to) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const auto half = [&](int shift) {
        const auto of = [&](std::uint64_t all) { return static_cast<std::uint32_t>(all >> shift); };
        return __user_cap_data_struct{of(to.effective), of(to.permitted), of(to.inheritable)};
    };
    __user_cap_data_struct data[2] = {half(0), half(32)};
    return ::syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

confinement_layer drop_capabilities(const confinement& needed) {
    confinement_layer out{"capabilities", false, {}};
    const auto keep = wanted_capabilities(needed);
    // Without CAP_SETPCAP the bounding set stays; no_new_privs then does what it is for.
    for (unsigned one = 0; ::prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; ++one) {
        if ((keep >> one & 1) != 0) continue;
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, one, 0, 0);
        ::prctl(PR_CAPBSET_DROP, one, 0, 0, 0);
    }
    capability_sets now;
    int failed = get(now);
    const capability_sets fewer{now.permitted & keep, now.permitted & keep, now.inheritable & keep};
    // A service manager that gave nothing else may also have forbidden the call.
    if (failed == 0 && now != fewer) failed = set(fewer);
    if (failed != 0) {
        out.detail = std::strerror(failed);
        return out;
    }
    out.active = true;
    for (const auto& [number, name] : kept_ones)
        if ((fewer.permitted >> number & 1) != 0)
            out.detail += (out.detail.empty() ? "" : ", ") + std::string{name};
    if (out.detail.empty()) out.detail = "none left";
    return out;
}

confinement_layer refuse_new_privileges() {
    const bool done = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    return {"no_new_privileges", done, done ? "" : std::strerror(errno)};
}

/// No core file and no look into our memory: passwords are in it.
confinement_layer hide_memory() {
    if constexpr (sanitized) return {"memory", false, "built with sanitizers"};
    const ::rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    const bool done = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    return {"memory", done, done ? "no core files, not traceable" : std::strerror(errno)};
}

confinement_layer filter_calls() {
    if constexpr (sanitized) return {"system_calls", false, "built with sanitizers"};
    return filter_system_calls();
}

}  // namespace

std::vector<confinement_layer> confine(const confinement& needed) {
    std::vector<confinement_layer> out;
    // Landlock opens the directories of its rules, so it comes while everything can be seen.
    out.push_back(refuse_new_privileges());
    out.push_back(limit_paths(needed));
    out.push_back(drop_capabilities(needed));
    out.push_back(hide_memory());
    out.push_back(filter_calls());
    return out;
}

std::string describe(const std::vector<confinement_layer>& layers) {
    std::string on, off;
    for (const auto& layer : layers) {
        auto& to = layer.active ? on : off;
        to += (to.empty() ? "" : ", ") + std::string{layer.name};
        if (!layer.detail.empty()) to += " (" + layer.detail + ")";
    }
    return (on.empty() ? "nothing" : on) + (off.empty() ? "" : "; not active: " + off);
}

std::string existing_root(std::string_view rule) {
    auto root = rule.substr(0, rule.find_first_of("*?["));
    if (root.size() < rule.size()) root = root.substr(0, root.rfind('/'));
    for (;;) {
        while (root.ends_with('/'))
            root.remove_suffix(1);
        if (root.empty()) return "/";
        struct ::stat seen;
        if (::stat(std::string{root}.c_str(), &seen) == 0) return std::string{root};
        root = root.substr(0, root.rfind('/') == root.npos ? 0 : root.rfind('/'));
    }
}

}  // namespace logagent::os

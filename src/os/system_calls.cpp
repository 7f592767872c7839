#include "os/system_calls.hpp"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace logagent::os {

namespace {

/// What the loop, librdkafka, OpenSSL, c-ares, the C library and a replay in a process of its own
/// call. Names that an architecture does not have are passed over.
constexpr const char* allowed[] = {
    // files
    "access",
    "chmod",
    "close",
    "close_range",
    "copy_file_range",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "getcwd",
    "getdents",
    "getdents64",
    "lseek",
    "lstat",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "stat",
    "statfs",
    "statx",
    "sync_file_range",
    "truncate",
    "umask",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
    "writev",
    // kernel AIO, for fsync
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
    // waiting
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect6",
    "select",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    // network; socket() has a rule of its own
    "accept",
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socketpair",
    // memory; mmap() and mprotect() have rules of their own
    "brk",
    "madvise",
    "membarrier",
    "mincore",
    "mlock",
    "mremap",
    "msync",
    "munlock",
    "munmap",
    // threads and time; clone() has a rule of its own
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "futex",
    "futex_waitv",
    "get_robust_list",
    "getcpu",
    "getrandom",
    "gettid",
    "gettimeofday",
    "nanosleep",
    "rseq",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "time",
    "times",
    // signals and processes
    "exit",
    "exit_group",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getsid",
    "ioprio_set",
    "kill",
    "pause",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "setpgid",
    "setpriority",
    "sigaltstack",
    "tgkill",
    "wait4",
    "waitid",
    "execve",
    "fork",
    "vfork",
    // who we are, and how much there is
    "arch_prctl",
    "capget",
    "capset",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getuid",
    "prctl",
    "prlimit64",
    "setrlimit",
    "sysinfo",
    "uname",
    // what can only take more away
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "seccomp",
};

/// Nothing of ours makes these by mistake: other processes, the kernel, files past their paths.
constexpr const char* deadly[] = {
    "add_key",
    "bpf",
    "chroot",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "init_module",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "mount",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "reboot",
    "request_key",
    "setns",
    "swapon",
    "umount2",
    "unshare",
    "userfaultfd",
};

constexpr std::uint64_t new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                         CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

using filter = std::unique_ptr<void, void (*)(void*)>;

/// Adds rules to a filter and remembers the first failure.
class rule_list {
public:
    explicit rule_list(const filter& to) : to_{to.get()} {}

    void add(std::uint32_t action, int call) {
        keep(::seccomp_rule_add_exact_array(to_, action, call, 0, nullptr));
    }
    void add(std::uint32_t action, const char* name) {
        const int call = ::seccomp_syscall_resolve_name(name);
        if (call >= 0) add(action, call);  // else it is not on this architecture
    }
    /// Allows the call if one argument compares so.
    void allow_if(int call, unsigned argument, scmp_compare how, std::uint64_t first,
                  std::uint64_t second = 0) {
        const scmp_arg_cmp condition{argument, how, first, second};
        keep(::seccomp_rule_add_array(to_, SCMP_ACT_ALLOW, call, 1, &condition));
    }
    int failure() const { return failure_; }

private:
    void keep(int result) {
        if (failure_ == 0) failure_ = result;
    }

    void* to_;
    int failure_ = 0;  // a negative errno
};

/// Calls that depend on what they are asked for.
void add_conditions(rule_list& to) {
    for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
        to.allow_if(SCMP_SYS(socket), 0, SCMP_CMP_EQ, static_cast<std::uint64_t>(family));
    // No memory that is both written and run. The loader of a child maps code, without writing.
    to.allow_if(SCMP_SYS(mmap), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    to.allow_if(SCMP_SYS(mmap), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC);
    to.allow_if(SCMP_SYS(mprotect), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    to.allow_if(SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ, new_namespaces, 0);
    // Its flags lie in memory where a filter cannot look; without it the C library takes clone().
    to.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
    // Typing into the terminal that we were started from.
    to.allow_if(SCMP_SYS(ioctl), 1, SCMP_CMP_NE, TIOCSTI);
}

}  // namespace

confinement_layer filter_system_calls() {
    confinement_layer out{"system_calls", false, {}};
    const filter rules{::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release};
    if (!rules) {
        out.detail = "no filter can be made";
        return out;
    }
    // Its defaults depend on the library; the tree costs less per call than a list of two hundred.
    ::seccomp_attr_set(rules.get(), SCMP_FLTATR_CTL_NNP, 0);
    ::seccomp_attr_set(rules.get(), SCMP_FLTATR_CTL_LOG, 1);
    ::seccomp_attr_set(rules.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    rule_list list{rules};
    add_conditions(list);
    for (const auto* name : allowed)
        list.add(SCMP_ACT_ALLOW, name);
    for (const auto* name : deadly)
        list.add(SCMP_ACT_KILL_PROCESS, name);
    const int failed = list.failure() != 0 ? list.failure() : ::seccomp_load(rules.get());
    if (failed != 0) {
        out.detail = "the kernel takes no filter: " + std::string{std::strerror(-failed)};
        return out;
    }
    out.active = true;
    out.detail = "an allow-list";
    return out;
}

}  // namespace logagent::os

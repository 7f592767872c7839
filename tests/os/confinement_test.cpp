#include "logagent/os/confinement.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "os/confined.hpp"
#include "os/temporary_directory.hpp"
#include "support/test.hpp"

using namespace logagent::os;
using logagent::test::confined;
using logagent::test::errno_of;
using logagent::test::is;
using logagent::test::killed;
using logagent::test::temporary_directory;
using logagent::test::try_open;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

}  // namespace

TEST_CASE("a confined process writes into its own directories only", "[confinement]") {
    const temporary_directory place;
    const auto state = std::filesystem::path{place.file("state/old")}.parent_path().string();
    place.file("logs/app.log", "line\n");
    confinement needed;
    needed.writable = {state};
    needed.readable = {place / "logs"};
    const auto open_in = [&](const std::string& name, int flags) {
        return confined(needed, "paths", [&] { return try_open(place / name, flags); });
    };
    CHECK(is(open_in("state/new", O_RDWR | O_CREAT), 0));
    CHECK(is(open_in("logs/app.log", O_RDONLY), 0));
    CHECK(is(open_in("logs/app.log", O_RDWR), EACCES));
    CHECK(is(open_in("logs/new", O_RDWR | O_CREAT), EACCES));
    CHECK(is(confined(needed, "paths",
                      [&] { return errno_of(::unlink((place / "logs/app.log").c_str())); }),
             EACCES));
    CHECK(is(confined(needed, "paths",
                      [&] {
                          return errno_of(
                              ::rename((state + "/old").c_str(), (place / "logs/moved").c_str()));
                      }),
             EACCES));
    CHECK(is(confined(needed, "paths",
                      [&] {
                          return errno_of(
                              ::rename((state + "/old").c_str(), (state + "/renamed").c_str()));
                      }),
             0));
}

TEST_CASE("a confined process reads nothing outside its roots, by whatever name", "[confinement]") {
    const temporary_directory place;
    place.file("logs/app.log", "line\n");
    const auto secret = place.file("private/secret", "secret\n");
    std::filesystem::create_symlink(secret, place / "logs/link");
    confinement needed;
    needed.readable = {place / "logs/*.log"};
    const auto open = [&](const std::string& path) {
        return confined(needed, "paths", [&] { return try_open(path, O_RDONLY); });
    };
    CHECK(is(open(place / "logs/app.log"), 0));
    CHECK(is(open(secret), EACCES));
    CHECK(is(open(place / "logs/link"), EACCES));
    CHECK(is(open(place / "logs/../private/secret"), EACCES));
    CHECK(is(open("/etc/hosts"), 0));
    // A glob begins above its root, so names can be listed.
    CHECK(is(open(place.path()), 0));
}

TEST_CASE("a root that may still come leaves reading open, and the layer says so",
          "[confinement]") {
    const temporary_directory place;
    const auto secret = place.file("private/secret", "secret\n");
    confinement needed;
    needed.readable = {"/this-comes-later/logs"};
    CHECK(is(confined(needed, "paths", [&] { return try_open(secret, O_RDONLY); }), 0));
    CHECK(is(confined(needed, "paths", [&] { return try_open(secret, O_RDWR); }), EACCES));
    CHECK(existing_root("/this-comes-later/logs") == "/");
    CHECK(existing_root(place / "private/not/there/*.log") == place / "private");
    CHECK(existing_root(place / "private/sec*") == place / "private");
    CHECK(existing_root("/*/logs") == "/");
}

TEST_CASE("capabilities are gone but for the one that is kept", "[confinement]") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    const temporary_directory place;
    const auto file = place.file("file");
    const auto own = [&] { return errno_of(::chown(file.c_str(), 1234, 1234)); };
    confinement needed;
    needed.writable = {place.path()};
    CHECK(confined(needed, "capabilities", own) == EPERM);
    const auto foreign = place.file("foreign", "text");
    REQUIRE(::chown(foreign.c_str(), 1234, 1234) == 0);
    REQUIRE(::chmod(foreign.c_str(), 0600) == 0);
    const auto read = [&] { return try_open(foreign, O_RDONLY); };
    CHECK(confined(needed, "capabilities", read) == EACCES);
    needed.read_any_file = true;
    CHECK(confined(needed, "capabilities", read) == 0);
    CHECK(confined(needed, "capabilities", [&] { return try_open(foreign, O_RDWR); }) == EACCES);
    CHECK(confined(needed, "capabilities", own) == EPERM);
}

TEST_CASE("no privileges come back and nobody looks into the memory", "[confinement]") {
    CHECK(confined({}, "no_new_privileges",
                   [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1; }) == 0);
    if (sanitized) return;
    CHECK(confined({}, "memory", [] {
              ::rlimit core;
              return ::prctl(PR_GET_DUMPABLE) == 0 && ::getrlimit(RLIMIT_CORE, &core) == 0 &&
                             core.rlim_max == 0
                         ? 0
                         : 1;
          }) == 0);
}

TEST_CASE("a call that only an attacker makes ends the process", "[confinement]") {
    if (sanitized) return;
    const auto dies = [](const std::function<int()>& act) {
        return is(confined({}, "system_calls", act), killed + SIGSYS);
    };
    CHECK(dies([] { return errno_of(::syscall(SYS_open_by_handle_at, -1, nullptr, 0)); }));
    CHECK(dies([] { return errno_of(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }));
    CHECK(dies([] { return errno_of(::syscall(SYS_unshare, 0)); }));
    CHECK(dies([] { return errno_of(::syscall(SYS_bpf, 0, nullptr, 0)); }));
}

TEST_CASE("a call that is on no list, or asks for too much, fails", "[confinement]") {
    if (sanitized) return;
    const auto fails = [](const std::function<int()>& act) {
        return is(confined({}, "system_calls", act), EPERM);
    };
    CHECK(fails([] { return errno_of(::syscall(SYS_symlinkat, "a", AT_FDCWD, "b")); }));
    CHECK(fails([] { return errno_of(::socket(AF_PACKET, SOCK_RAW, 0)); }));
    CHECK(
        fails([] { return errno_of(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }));
    CHECK(fails([] {
        constexpr int all = PROT_READ | PROT_WRITE | PROT_EXEC;
        const auto* got = ::mmap(nullptr, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return got == MAP_FAILED ? errno : 0;
    }));
}

TEST_CASE("a confined process still has threads, sockets and children", "[confinement]") {
    CHECK(is(confined({}, "no_new_privileges",
                      [] {
                          int ran = 1;
                          std::thread{[&] { ran = 0; }}.join();
                          return ran;
                      }),
             0));
    CHECK(is(confined({}, "no_new_privileges",
                      [] {
                          const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                          return fd < 0 ? errno : 0;
                      }),
             0));
    CHECK(is(confined({}, "no_new_privileges",
                      [] {
                          const pid_t child = ::fork();
                          if (child == 0) {
                              ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
                              ::execl("/proc/self/exe", "logagent_tests", "--libidentify", nullptr);
                              ::_exit(99);
                          }
                          int status = 0;
                          ::waitpid(child, &status, 0);
                          return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
                      }),
             0));
}

TEST_CASE("the line about the layers tells those that do not stand", "[confinement]") {
    CHECK(describe({{"capabilities", true, "none left"}, {"memory", true, ""}}) ==
          "capabilities (none left), memory");
    CHECK(describe({{"memory", true, ""}, {"paths", false, "this kernel has no Landlock"}}) ==
          "memory; not active: paths (this kernel has no Landlock)");
    CHECK(describe({{"paths", false, "x"}}) == "nothing; not active: paths (x)");
}

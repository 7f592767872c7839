#include "transfer/rights.hpp"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>

#include "os/confined.hpp"
#include "os/temporary_directory.hpp"

namespace logagent::transfer {
namespace {

using test::confined;
using test::errno_of;
using test::is;
using test::try_open;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// The options that a file gives.
transfer_options options_of(const std::string& text) {
    auto loaded = load_settings("kafka_addr = a:1\n" + text, "t.ini");
    for (const auto& one : loaded.refused)
        for (const auto& problem : one.problems)
            FAIL(problem.line());
    transfer_options out;
    out.settings = std::move(loaded.settings);
    return out;
}

TEST_CASE("a hardened transfer reaches its own files, and no others", "[transfer][confinement]") {
    const test::temporary_directory place;
    place.file("state/routes.json");
    place.file("secrets/password", "x\n");
    place.file("out/documents");
    const auto secret = place.file("others/secret", "x\n");
    const auto options = options_of(
        "[sink.search]\ntype = elasticsearch\nurl = http://a:9200\nuser = u\n"
        "password_file = " +
        (place / "secrets/password") +
        "\n[sink.out]\ntype = file\npath = " + (place / "out/documents") + "\n");
    const auto needed = needed_by(options, place / "state");
    CHECK_FALSE(needed.read_any_file);
    CHECK_FALSE(needed.low_ports);
    const auto open = [&](const std::string& path, int flags) {
        return confined(needed, "paths", [&] { return try_open(path, flags); });
    };
    CHECK(is(open(place / "state/new", O_RDWR | O_CREAT), 0));
    CHECK(is(open(place / "state", O_TMPFILE | O_RDWR), 0));  // a spool
    CHECK(is(open(place / "secrets/password", O_RDONLY), 0));
    CHECK(is(open(place / "out/documents", O_RDWR), 0));
    CHECK(is(open(secret, O_RDONLY), EACCES));
    CHECK(is(open(secret, O_RDWR), EACCES));
    CHECK(is(open(place / "secrets/password", O_RDWR), EACCES));
    CHECK(is(open(place / "others/new", O_RDWR | O_CREAT), EACCES));
}

TEST_CASE("a hardened transfer starts no program and makes no call of an attacker",
          "[transfer][confinement]") {
    const auto needed = needed_by(options_of(""), {});
    CHECK(is(confined(needed, "paths",
                      [] {
                          ::execl("/bin/true", "true", nullptr);
                          return errno;
                      }),
             EACCES));
    const test::temporary_directory place;
    const auto own = place.file("file");
    if (::geteuid() == 0)
        CHECK(is(confined(needed, "capabilities",
                          [&] { return errno_of(::chown(own.c_str(), 1234, 1234)); }),
                 EPERM));
    if (sanitized) return;
    CHECK(is(confined(needed, "system_calls",
                      [] { return errno_of(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }),
             test::killed + SIGSYS));
    CHECK(is(confined(needed, "system_calls",
                      [] { return errno_of(::syscall(SYS_symlinkat, "a", AT_FDCWD, "b")); }),
             EPERM));
}

TEST_CASE("only a status below port 1024 keeps the right to it", "[transfer][confinement]") {
    CHECK(needed_by(options_of("status_addr = 127.0.0.1:80\n"), {}).low_ports);
    for (const char* other : {"off", "127.0.0.1:0", "127.0.0.1:9490"})
        CHECK_FALSE(
            needed_by(options_of("status_addr = " + std::string{other} + "\n"), {}).low_ports);
}

}  // namespace
}  // namespace logagent::transfer

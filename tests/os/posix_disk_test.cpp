#include "logagent/os/posix_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "logagent/os/unique_fd.hpp"
#include "os/temporary_directory.hpp"
#include "support/test.hpp"

using namespace logagent::os;
using logagent::test::temporary_directory;

namespace {

using steady = std::chrono::steady_clock;

/// The disk under test with <directory>/logs as the only root that is allowed.
struct fixture {
    temporary_directory directory;
    std::string logs = directory / "logs";
    posix_disk::settings settings{
        path_policy{{{directory / "logs", directory / "more", directory / "users/*/logs"},
                     {directory / "logs/private", "**/*.key"}}}};

    fixture() { ::mkdir(logs.c_str(), 0755); }

    disk::opened open(const std::string& path, bool trusted = false) const {
        posix_disk disk{settings};
        return disk.open(path, trusted);
    }

    open_error refusal(const std::string& path, bool trusted = false) const {
        const auto begin = steady::now();
        const auto out = open(path, trusted);
        CAPTURE(path, out.real_path);
        CHECK(steady::now() - begin < std::chrono::seconds{2});
        REQUIRE_FALSE(out.file);
        CHECK(out.failure.text.find(path) != std::string::npos);
        CHECK(out.failure.text.find('\n') == std::string::npos);
        return out.failure.reason;
    }

    void link(const std::string& target, const std::string& name) const {
        REQUIRE(::symlink(target.c_str(), (directory / name).c_str()) == 0);
    }
};

std::string content(const file& file) {
    std::string out(64, '\0');
    const auto got = file.read({out.data(), 4}, {out.data() + 4, 60}, 0, file::read_mode::blocking);
    out.resize(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
    return out;
}

/// Runs code as a user without privileges where the tests run as root.
struct unprivileged {
    bool root = ::geteuid() == 0;
    unprivileged() {
        if (root) REQUIRE(::seteuid(65534) == 0);
    }
    ~unprivileged() {
        if (root && ::seteuid(0) != 0) ::abort();
    }
};

}  // namespace

TEST_CASE("a regular file inside the allowed roots opens, with and without openat2",
          "[posix_disk]") {
    fixture f;
    f.settings.use_openat2 = GENERATE(true, false);
    const auto path = f.directory.file("logs/app/a.log", "hello");
    const auto out = f.open(path);
    REQUIRE(out.file);
    CHECK(out.real_path == path);
    CHECK(out.directories == std::vector<std::string>{f.logs + "/app"});
    CHECK(content(*out.file) == "hello");
    CHECK_FALSE(out.polled);
}

TEST_CASE("reading a file of one's own does not change when it was last read", "[posix_disk]") {
    const fixture at;
    const auto path = at.directory.file("logs/a.log", "line\n");
    // Read longer ago than written: the case in which a mount that is not `noatime` keeps count.
    const timespec times[] = {{1000, 0}, {2000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    const auto opened = at.open(path);
    REQUIRE(opened.file);
    CHECK(content(*opened.file) == "line\n");
    struct ::stat seen;
    REQUIRE(::stat(path.c_str(), &seen) == 0);
    CHECK(seen.st_atim.tv_sec == 1000);
}

TEST_CASE("whatever is not a regular file is refused without waiting", "[posix_disk]") {
    fixture f;
    f.settings.use_openat2 = GENERATE(true, false);
    SECTION("FIFO") {
        REQUIRE(::mkfifo((f.logs + "/x").c_str(), 0600) == 0);
        CHECK(f.refusal(f.logs + "/x") == open_error::not_regular);
    }
    SECTION("directory") {
        REQUIRE(::mkdir((f.logs + "/x").c_str(), 0700) == 0);
        CHECK(f.refusal(f.logs + "/x") == open_error::not_regular);
    }
    SECTION("socket") {
        const unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, (f.logs + "/x").c_str());
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        CHECK(f.refusal(f.logs + "/x") == open_error::not_regular);
    }
    SECTION("device behind a trusted link") {
        f.link("/dev/null", "logs/x");
        CHECK(f.refusal(f.logs + "/x", true) == open_error::not_regular);
    }
    SECTION("the root directory") {
        f.link("/", "logs/x");
        CHECK(f.refusal(f.logs + "/x", true) == open_error::not_regular);
    }
}

TEST_CASE("what is not there is missing, and the nearest directory is named for watching",
          "[posix_disk]") {
    fixture f;
    SECTION("the file") {
        CHECK(f.refusal(f.logs + "/a.log") == open_error::missing);
    }
    SECTION("its directory") {
        const auto out = f.open(f.logs + "/app/sub/a.log");
        CHECK(out.failure.reason == open_error::missing);
        CHECK(out.directories == std::vector<std::string>{f.logs + "/app/sub", f.logs});
    }
    SECTION("the end of a link") {
        f.link("gone.log", "logs/x");
        CHECK(f.refusal(f.logs + "/x") == open_error::missing);
    }
    SECTION("a file in the place of a directory") {
        f.directory.file("logs/app");
        CHECK(f.refusal(f.logs + "/app/a.log") == open_error::missing);
    }
}

TEST_CASE("links inside the allowed roots are followed, hop by hop", "[posix_disk]") {
    fixture f;
    f.settings.use_openat2 = GENERATE(true, false);
    const auto real = f.directory.file("more/pods/1/0.log", "pod");
    SECTION("absolute, relative, and through a linked directory") {
        f.link("more/pods", "pods");
        f.link(f.directory / "more/pods/1/0.log", "logs/absolute.log");
        f.link("../more/pods/1/0.log", "logs/relative.log");
        f.link("absolute.log", "logs/twice.log");
        for (const auto* name : {"/absolute.log", "/relative.log", "/twice.log"}) {
            const auto out = f.open(f.logs + name);
            REQUIRE(out.file);
            CHECK(out.real_path == real);
            CHECK(out.directories == std::vector<std::string>{f.logs, f.directory / "more/pods/1"});
        }
    }
    SECTION("every directory on the way is named") {
        f.directory.file("more/a/x");
        f.link("../more/a", "logs/current");
        f.link("../pods/1/0.log", "more/a/app.log");
        const auto out = f.open(f.logs + "/current/app.log");
        REQUIRE(out.file);
        CHECK(out.directories == std::vector<std::string>{f.logs + "/current", f.logs,
                                                          f.directory / "more/a",
                                                          f.directory / "more/pods/1"});
    }
}

TEST_CASE("a link that leads out at any hop is refused", "[posix_disk]") {
    fixture f;
    f.settings.use_openat2 = GENERATE(true, false);
    const auto inside = f.directory.file("logs/a.log");
    f.directory.file("secret/s.log", "secret");
    SECTION("straight") {
        f.link(f.directory / "secret/s.log", "logs/x");
        CHECK(f.refusal(f.logs + "/x") == open_error::not_allowed);
    }
    SECTION("through a directory") {
        f.link("../secret", "logs/x");
        CHECK(f.refusal(f.logs + "/x/s.log") == open_error::not_allowed);
    }
    SECTION("out and in again") {
        f.link(inside, "secret/back");
        f.link("../secret/back", "logs/x");
        CHECK(f.refusal(f.logs + "/x") == open_error::not_allowed);
    }
    SECTION("by text that looks harmless behind a linked directory") {
        // logs/d/../s.log reads like logs/s.log but is secret/s.log
        REQUIRE(::mkdir((f.directory / "secret/deep").c_str(), 0700) == 0);
        f.link("../secret/deep", "logs/d");
        CHECK(f.refusal(f.logs + "/d/../s.log") == open_error::not_allowed);
    }
    SECTION("into what is denied, trusted or not") {
        f.directory.file("logs/private/p");
        f.link("private/p", "logs/x");
        CHECK(f.refusal(f.logs + "/x") == open_error::not_allowed);
        CHECK(f.refusal(f.logs + "/x", true) == open_error::not_allowed);
        CHECK(f.refusal(f.directory.file("logs/tls.key")) == open_error::not_allowed);
    }
    SECTION("but not for a path that the local user named") {
        f.link(f.directory / "secret/s.log", "logs/x");
        CHECK(f.open(f.logs + "/x", true).file);
    }
    SECTION("the text tells both ends") {
        f.link(f.directory / "secret/s.log", "logs/x");
        const auto text = f.open(f.logs + "/x").failure.text;
        CHECK(text == f.logs + "/x leads to " + f.directory / "secret/s.log" +
                          ", which is outside allow_paths");
    }
}

TEST_CASE("an allow rule with a star holds for the directories it names", "[posix_disk]") {
    fixture f;
    CHECK(f.open(f.directory.file("users/ann/logs/a.log")).file);
    CHECK(f.refusal(f.directory.file("users/ann/mail")) == open_error::not_allowed);
    const posix_disk disk{f.settings};
    CHECK(disk.allowed(f.directory / "users/ann", false));
    CHECK_FALSE(disk.allowed(f.directory / "users/ann/mail", false));
}

TEST_CASE("relative, empty and cut paths are refused", "[posix_disk]") {
    fixture f;
    const std::string zero{"/a\0b", 4};
    for (const auto& path : {std::string{}, std::string{"a.log"}, zero})
        CHECK(f.open(path, true).failure.reason == open_error::not_allowed);
}

TEST_CASE("a loop of links ends", "[posix_disk]") {
    fixture f;
    f.link("b", "logs/a");
    f.link("a", "logs/b");
    CHECK(f.refusal(f.logs + "/a") == open_error::link_loop);
}

TEST_CASE("a hard link opens only where that is allowed", "[posix_disk]") {
    fixture f;
    const auto path = f.directory.file("logs/a.log");
    REQUIRE(::link(path.c_str(), (f.logs + "/b.log").c_str()) == 0);
    CHECK(f.refusal(path) == open_error::hard_link);
    f.settings.allow_hardlinks = true;
    CHECK(f.open(path).file);
}

TEST_CASE("permissions are told apart from absence", "[posix_disk]") {
    fixture f;
    REQUIRE(::chmod(f.directory.path().c_str(), 0755) == 0);
    const auto path = f.directory.file("logs/a.log");
    const auto deep = f.directory.file("logs/closed/a.log");
    REQUIRE(::chmod(path.c_str(), 0) == 0);
    REQUIRE(::chmod((f.logs + "/closed").c_str(), 0) == 0);
    {
        const unprivileged user;
        CHECK(f.refusal(path) == open_error::no_permission);
        CHECK(f.refusal(deep) == open_error::no_permission);
    }
    REQUIRE(::chmod((f.logs + "/closed").c_str(), 0700) == 0);
}

TEST_CASE("a lease of the owner does not hold the caller", "[posix_disk]") {
    fixture f;
    const auto path = f.directory.file("logs/a.log", "x");
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const auto owner = ::fork();
    if (owner == 0) {
        ::signal(SIGIO, SIG_IGN);  // what the kernel sends when somebody wants the file
        const int fd = ::open(path.c_str(), O_RDWR);
        const char answer = ::fcntl(fd, F_SETLEASE, F_WRLCK) == 0 ? 'y' : 'n';
        if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
        for (;;)
            ::pause();
    }
    char answer = 0;
    REQUIRE(::read(ready[0], &answer, 1) == 1);
    REQUIRE(answer == 'y');
    CHECK(f.refusal(path) == open_error::busy);
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    CHECK(f.open(path).file);
}

namespace {

enum class hung_mount : int { refused = 0, touched = 1, not_to_be_had = 2 };

/// In a process with mounts of its own: a FUSE mount that nobody serves, so that whoever touches it
/// waits for ever, and a look at a file behind it.
[[noreturn]] void look_behind_hung_mount(const std::string& directory, const std::string& path) {
    const auto leave = [](hung_mount how) { ::_exit(static_cast<int>(how)); };
    ::alarm(5);  // ends a process that hangs
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        leave(hung_mount::not_to_be_had);
    const int server = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
    const auto options = "fd=" + std::to_string(server) + ",rootmode=40000,user_id=0,group_id=0";
    if (server < 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("nobody", directory.c_str(), "fuse", 0, options.c_str()) != 0)
        leave(hung_mount::not_to_be_had);
    posix_disk disk{{path_policy{{{"/"}, {}}}}};
    file_status status;
    std::vector<disk::entry> entries;
    const auto out = disk.open(path, true);
    for (const auto& watched : out.directories)
        ::close(::open(watched.c_str(), O_RDONLY | O_CLOEXEC));  // what is named can be touched
    const bool refused = out.failure.reason == open_error::network_fs &&
                         disk.status(path, status) == EREMOTE &&
                         disk.list(directory, entries) == EREMOTE;
    leave(refused ? hung_mount::refused : hung_mount::touched);
    ::_exit(1);
}

}  // namespace

TEST_CASE("a mount that hangs is refused without being touched", "[posix_disk]") {
    fixture f;
    f.link("mounted/a.log", "logs/a.log");
    REQUIRE(::mkdir((f.logs + "/mounted").c_str(), 0755) == 0);
    f.link("mounted", "logs/directory");
    const auto path = GENERATE("/mounted/a.log", "/a.log", "/directory/a.log");
    const auto child = ::fork();
    if (child == 0) look_behind_hung_mount(f.logs + "/mounted", f.logs + path);
    int ended = 0;
    REQUIRE(::waitpid(child, &ended, 0) == child);
    REQUIRE(WIFEXITED(ended));
    const auto how = static_cast<hung_mount>(WEXITSTATUS(ended));
    if (how == hung_mount::not_to_be_had)
        WARN("skipped: this machine lets nobody mount a FUSE file system");
    else
        CHECK(how == hung_mount::refused);
}

TEST_CASE("files of the kernel's own are refused", "[posix_disk]") {
    posix_disk disk{{path_policy{{{"/"}, {}}}}};
    CHECK(disk.open("/proc/version", false).failure.reason == open_error::network_fs);
    CHECK(disk.open("/sys/kernel/mm/transparent_hugepage/enabled", false).failure.reason !=
          open_error::not_allowed);
    CHECK_FALSE(disk.open("/proc/self/status", true).file);
}

TEST_CASE("without descriptors a file is not lost but exhausted", "[posix_disk]") {
    fixture f;
    const auto path = f.directory.file("logs/a.log");
    posix_disk disk{f.settings};
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const unique_fd next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    // Descriptors up to the one that is free next are the last there are.
    const rlimit low{static_cast<rlim_t>(next.get()) + 1, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const auto out = disk.open(path, false);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(out.failure.reason == open_error::exhausted);
}

TEST_CASE("the last descriptors are not for files", "[posix_disk]") {
    fixture f;
    const auto path = f.directory.file("logs/a.log");
    posix_disk disk{f.settings};
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const unique_fd next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    // A third of the limit stays free: on its edge the one file gets in, and without one it waits.
    // While it opens, its directory and a look at it take two more.
    const auto opens_below = [&](int limit) {
        const rlimit low{static_cast<rlim_t>(limit), before.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
        const auto out = disk.open(path, false);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
        if (!out.file) CHECK(out.failure.reason == open_error::exhausted);
        return out.file != nullptr;
    };
    const int used = next.get() + 1 + 2;
    CHECK_FALSE(opens_below(used + 2));
    CHECK_FALSE(opens_below((used * 3 + 1) / 2 - 2));
    CHECK(opens_below((used * 3 + 1) / 2 + 3));
    CHECK(opens_below(before.rlim_cur > 4096 ? 4096 : static_cast<int>(before.rlim_cur)));
}

TEST_CASE("status of an open file follows size, deletion and identity", "[posix_disk]") {
    fixture f;
    const auto path = f.directory.file("logs/a.log", "abc");
    const auto out = f.open(path);
    REQUIRE(out.file);
    file_status now, by_path;
    REQUIRE(out.file->status(now) == 0);
    posix_disk disk{f.settings};
    REQUIRE(disk.status(path, by_path) == 0);
    CHECK(now.kind == file_status::type::regular);
    CHECK(now.size == 3);
    CHECK(now.links == 1);
    CHECK(std::tie(now.device, now.inode, now.birth_time, now.modified) ==
          std::tie(by_path.device, by_path.inode, by_path.birth_time, by_path.modified));

    REQUIRE(::unlink(path.c_str()) == 0);
    REQUIRE(out.file->status(now) == 0);
    CHECK(now.links == 0);
    CHECK(disk.status(path, by_path) == ENOENT);
    CHECK(content(*out.file) == "abc");
}

TEST_CASE("a read fills two buffers, begins anywhere and knows the end", "[posix_disk]") {
    fixture f;
    const auto out = f.open(f.directory.file("logs/a.log", "0123456789"));
    REQUIRE(out.file);
    const auto mode = GENERATE(file::read_mode::cached, file::read_mode::blocking);
    char first[3], second[4];
    CHECK(out.file->read(first, second, 1, mode) == 7);
    CHECK(std::string_view{first, 3} == "123");
    CHECK(std::string_view{second, 4} == "4567");
    CHECK(out.file->read({}, second, 8, mode) == 2);
    CHECK(out.file->read(first, {}, 0, mode) == 3);
    CHECK(out.file->read(first, second, 10, mode) == 0);
    CHECK(out.file->read(first, second, 1000, mode) == 0);
}

TEST_CASE("a directory lists its entries with their kinds", "[posix_disk]") {
    fixture f;
    f.directory.file("logs/a.log");
    REQUIRE(::mkdir((f.logs + "/sub").c_str(), 0700) == 0);
    f.link("a.log", "logs/link");
    posix_disk disk{f.settings};
    std::vector<disk::entry> entries;
    REQUIRE(disk.list(f.logs, entries) == 0);
    std::ranges::sort(entries, {}, &disk::entry::name);
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].name == "a.log");
    CHECK(entries[0].kind == file_status::type::regular);
    CHECK(entries[1].kind == file_status::type::symlink);
    CHECK(entries[2].kind == file_status::type::directory);
    CHECK(disk.list(f.logs + "/gone", entries) == ENOENT);
    CHECK(entries.empty());
}

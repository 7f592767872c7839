#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>

#include "logagent/os/clock.hpp"
#include "logagent/os/descriptor_limit.hpp"
#include "logagent/os/durable_write.hpp"
#include "logagent/os/machine_id.hpp"
#include "logagent/os/secret_file.hpp"
#include "logagent/os/service_notifier.hpp"
#include "logagent/os/state_directory.hpp"
#include "os/temporary_directory.hpp"
#include "support/test.hpp"

using namespace logagent::os;
using logagent::test::temporary_directory;

namespace {

std::string content(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

mode_t mode_of(const std::string& path) {
    struct ::stat status {};
    ::stat(path.c_str(), &status);
    return status.st_mode & 07777;
}

std::string refusal(const std::string& path) {
    try {
        state_directory directory{path};
    } catch (const boost::system::system_error& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("a state directory is made with its parents and closed to others", "[state_directory]") {
    temporary_directory parent;
    const state_directory made{parent / "a/b/"};
    CHECK(made.path() == parent / "a/b");
    CHECK(mode_of(made.path()) == 0700);
    CHECK(made.file("x") == parent / "a/b/x");
}

TEST_CASE("a state directory that was open to others is closed", "[state_directory]") {
    temporary_directory parent;
    REQUIRE(::mkdir((parent / "s").c_str(), 0755) == 0);
    const state_directory made{parent / "s"};
    CHECK(mode_of(parent / "s") == 0700);
}

TEST_CASE("a second user of a state directory learns who has it", "[state_directory]") {
    temporary_directory parent;
    {
        const state_directory first{parent / "s"};
        CHECK(refusal(parent / "s").find("is in use by process " + std::to_string(::getpid())) !=
              std::string::npos);
    }
    CHECK(refusal(parent / "s").empty());
}

TEST_CASE("a state directory that cannot be written is refused with its path",
          "[state_directory]") {
    temporary_directory parent;
    parent.file("plain");
    CHECK(refusal(parent / "plain").find("plain") != std::string::npos);
    CHECK(refusal(parent / "plain/below").find("plain/below") != std::string::npos);
    CHECK(refusal("/proc/logagent").find("/proc/logagent") != std::string::npos);
}

TEST_CASE("a durable write replaces the whole file or nothing", "[durable_write]") {
    temporary_directory directory;
    const auto path = directory / "good.json";
    REQUIRE(durable_write(path, "first, longer") == 0);
    REQUIRE(durable_write(path, "second") == 0);
    CHECK(content(path) == "second");
    CHECK(mode_of(path) == 0600);
    CHECK(durable_write(directory / "gone/x", "x") == ENOENT);
    // The target cannot be replaced: nothing changes and nothing is left over.
    REQUIRE(::mkdir((directory / "dir").c_str(), 0700) == 0);
    CHECK(durable_write(directory / "dir", "x") != 0);
    CHECK(::access((directory / "dir.new").c_str(), F_OK) != 0);
}

TEST_CASE("a secret is the first line of its file, which others should not read", "[secret_file]") {
    temporary_directory directory;
    const auto read = [&](const char* bytes, mode_t mode) {
        const auto path = directory.file("s", bytes);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return read_secret_file(path);
    };
    CHECK(read("pass word\n", 0600).value.text() == "pass word");
    CHECK(read("a\r\n", 0600).value.text() == "a");
    CHECK(read("a\nb\n", 0600).value.text() == "a");
    CHECK(read("", 0600).value.text().empty());
    CHECK(read("x", 0600).warning.empty());
    CHECK(read("x", 0640).warning.find("chmod 600") != std::string::npos);
    CHECK(read("x", 0640).value.text() == "x");
}

TEST_CASE("a secret of several lines is read whole, and refused for the same reasons",
          "[secret_file]") {
    temporary_directory directory;
    const auto read = read_secret_text(directory.file("key", "-----\r\nabc\n-----\n"));
    CHECK(read.value.text() == "-----\r\nabc\n-----\n");
    CHECK(read.error.empty());
    CHECK_FALSE(read_secret_text(directory / "gone").error.empty());
    CHECK_FALSE(read_secret_text(directory.path()).error.empty());
    CHECK_FALSE(read_secret_text(directory.file("big", std::string(70000, 'x'))).error.empty());
}

TEST_CASE("a secret that cannot be read is an error, never an empty password", "[secret_file]") {
    temporary_directory directory;
    CHECK_FALSE(read_secret_file(directory / "gone").error.empty());
    CHECK_FALSE(read_secret_file(directory.path()).error.empty());
    REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
    CHECK_FALSE(read_secret_file(directory / "fifo").error.empty());
    CHECK_FALSE(read_secret_file(directory.file("big", std::string(70000, 'x'))).error.empty());
}

TEST_CASE("the service manager is told over both kinds of address", "[service_notifier]") {
    temporary_directory directory;
    const auto name = GENERATE(std::string{"path"}, std::string{"abstract"});
    const auto socket_name = name == "path" ? directory / "notify" : "@" + (directory / "notify");
    const unique_fd manager{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_name.data(), socket_name.size());
    if (name == "abstract") address.sun_path[0] = '\0';
    const auto length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_name.size());
    REQUIRE(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);

    const auto heard = [&] {
        char buffer[256];
        const auto got = ::recv(manager.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        return std::string(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
    };
    service_notifier notifier{socket_name};
    notifier.ready();
    CHECK(heard() == "READY=1");
    notifier.status("12 files\n3 topics");
    CHECK(heard() == "STATUS=12 files 3 topics");
    notifier.watchdog();
    CHECK(heard() == "WATCHDOG=1");
    for (int i = 0; i < 10000; ++i)  // a manager that does not listen holds nobody
        notifier.watchdog();
}

TEST_CASE("without a service manager nothing is sent", "[service_notifier]") {
    service_notifier{""}.ready();
    service_notifier{"/nonexistent/socket"}.ready();
    service_notifier{std::string(300, 'x')}.ready();
    CHECK_FALSE(service_notifier{""}.watchdog_interval());
}

TEST_CASE("a watchdog counts only if it is meant for this process", "[service_notifier]") {
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(service_notifier::from_environment().watchdog_interval() == std::chrono::seconds{30});
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK_FALSE(service_notifier::from_environment().watchdog_interval());
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
}

TEST_CASE("a machine id is 32 hex digits or nothing", "[machine_id]") {
    temporary_directory directory;
    const auto id = "0123456789abcdef0123456789abcdef";
    CHECK(machine_id(directory.file("a", std::string{id} + "\n")) == id);
    CHECK(machine_id(directory.file("b", "uninitialized\n")).empty());
    CHECK(machine_id(directory.file("c", "")).empty());
    CHECK(machine_id(directory / "gone").empty());
    CHECK_FALSE(host_name().empty());
}

TEST_CASE("the soft limit of open files becomes the hard one", "[descriptor_limit]") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{std::min<rlim_t>(256, before.rlim_max), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    CHECK(raise_descriptor_limit() == before.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("the wall clock is in milliseconds of this century", "[clock]") {
    CHECK(wall_ms() > 1'500'000'000'000);
    CHECK(wall_ms() < 4'100'000'000'000);
}

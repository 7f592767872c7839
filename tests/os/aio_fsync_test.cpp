#include "logagent/os/aio_fsync.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "logagent/os/unique_fd.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

using logagent::os::aio_fsync;
using logagent::os::unique_fd;

TEST_CASE("files and directories are brought to the disk, with and without kernel aio",
          "[aio_fsync]") {
    logagent::test::temporary_directory directory;
    boost::asio::io_context loop;
    aio_fsync sync{loop.get_executor(), GENERATE(true, false)};
    const unique_fd file{::open(directory.file("x", "data").c_str(), O_WRONLY | O_CLOEXEC)};
    const unique_fd parent{::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    for (int i = 0; i < 3; ++i) {
        CHECK(logagent::test::run(loop, sync.sync(file.get())) == 0);
        CHECK(logagent::test::run(loop, sync.sync(parent.get())) == 0);
    }
    CHECK(logagent::test::run(loop, sync.sync(-1)) == EBADF);
}

TEST_CASE("a sync whose caller was stopped does not answer for the next one", "[aio_fsync]") {
    logagent::test::temporary_directory directory;
    boost::asio::io_context loop;
    aio_fsync sync{loop.get_executor()};
    const unique_fd file{::open(directory.file("x").c_str(), O_WRONLY | O_CLOEXEC)};
    const std::string bytes(4 << 20, 'x');
    for (int i = 0; i < 20; ++i) {
        REQUIRE(::pwrite(file.get(), bytes.data(), bytes.size(), 0) ==
                static_cast<ssize_t>(bytes.size()));
        const auto stopped = [&]() -> boost::asio::awaitable<void> {
            co_await sync.sync(file.get());
        };
        logagent::test::background task{loop, stopped()};
        loop.poll_one();
        task.stop();
        CHECK(logagent::test::run(loop, sync.sync(file.get())) == 0);
    }
}

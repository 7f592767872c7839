#include "os/real_open.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/temporary_directory.hpp"
#include "support/test.hpp"

using logagent::os::real_open;
using logagent::os::unique_fd;

TEST_CASE("a directory that became a link after it was judged does not open", "[real_open]") {
    logagent::test::temporary_directory directory;
    directory.file("a/b/x");
    REQUIRE(::symlink("a", (directory / "link").c_str()) == 0);
    const bool use_openat2 = GENERATE(true, false);
    real_open opener{use_openat2};
    unique_fd fd;
    CHECK(opener.directory(directory / "a/b", fd) == 0);
    CHECK(opener.directory("/", fd) == 0);
    const int in_the_middle = opener.directory(directory / "link/b", fd);
    CHECK((in_the_middle == ELOOP || in_the_middle == ENOTDIR));
    const int at_the_end = opener.directory(directory / "link", fd);
    CHECK((at_the_end == ELOOP || at_the_end == ENOTDIR));
    CHECK(opener.directory(directory / "gone", fd) == ENOENT);
    CHECK_FALSE(fd);
}

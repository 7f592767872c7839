#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "logagent/base/error.hpp"
#include "logagent/cli/run.hpp"

namespace {

/// Whoever started us may have closed one of the first three descriptors. The next file would get
/// its number, and what is printed would go into the positions or the lock.
void fill_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        // The other way round, so that printing there is an error and not a silent success.
        if (::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    fill_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of that write, not our end
    try {
        return logagent::cli::run({argv + (argc > 0), argv + argc}, std::cout, std::cerr);
    } catch (...) {
        std::cerr << "logagent: " << logagent::base::describe(std::current_exception()) << '\n';
        return 1;
    }
}

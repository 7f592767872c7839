#include <csignal>
#include <exception>
#include <iostream>

#include "logagent/base/error.hpp"
#include "logagent/cli/run.hpp"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of that write, not our end
    try {
        return logagent::cli::run({argv + (argc > 0), argv + argc}, std::cout, std::cerr);
    } catch (...) {
        std::cerr << "logagent: " << logagent::base::describe(std::current_exception()) << '\n';
        return 1;
    }
}

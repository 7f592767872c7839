#include "logagent/os/logged_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto safety = 1s;  // between looks, should a signal be missed

[[noreturn]] void fail(const std::string& what) {
    throw boost::system::system_error{errno, boost::system::system_category(), what};
}

/// Between fork and exec, in a process whose other threads are gone: nothing here may allocate.
[[noreturn]] void become(const char* program, char* const* words, int log, int nothing,
                         pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it was gone before that
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    // Sockets of the embedded broker, say: held here as well, closing one there would end nothing.
    ::closefrom(STDERR_FILENO + 1);
    ::execv(program, words);
    ::_exit(127);
}

std::string describe_end(int status) {
    if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
    return "ended with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

logged_child::logged_child(asio::any_io_executor executor, std::string log)
    : log_{std::move(log)}, ends_{executor, SIGCHLD}, ended_{executor} {}

logged_child::~logged_child() {
    if (!running()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void logged_child::start(std::vector<std::string> words, const std::string& program) {
    std::string name = program == own_program ? "logagent" : program;
    std::vector<char*> arguments{name.data()};
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const unique_fd log{
        ::open(log_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!log) fail("open " + log_);
    const unique_fd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!nothing) fail("open /dev/null");
    asked_ = false;
    const auto parent = ::getpid();
    const auto pid = ::fork();
    if (pid < 0) fail("start " + name);
    if (pid == 0) become(program.c_str(), arguments.data(), log.get(), nothing.get(), parent);
    pid_ = pid;
}

void logged_child::reap() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
    pid_ = -1;
    if (!asked_) own_end_ = describe_end(status);
    ended_.notify();
}

asio::awaitable<void> logged_child::watch() {
    for (;;) {
        co_await ends_.async_wait(asio::use_awaitable);
        reap();
    }
}

asio::awaitable<bool> logged_child::wait_for_end(clock::time_point deadline) {
    while (running() && clock::now() < deadline) {
        const auto look = std::min(deadline, clock::now() + safety);
        co_await ended_.wait_until(look);
        reap();
    }
    co_return !running();
}

asio::awaitable<void> logged_child::kill() {
    if (!running()) co_return;
    asked_ = true;
    ::kill(pid_, SIGKILL);
    // Nothing outlives SIGKILL but what hangs in the kernel.
    const auto deadline = clock::now() + 60s;
    const bool gone = co_await wait_for_end(deadline);
    if (!gone) throw std::runtime_error{"a child does not end after SIGKILL: its disk hangs"};
}

asio::awaitable<bool> logged_child::stop(clock::time_point deadline) {
    if (!running()) co_return true;
    asked_ = true;
    ::kill(pid_, SIGTERM);
    const bool gone = co_await wait_for_end(deadline);
    if (!gone) co_await kill();
    co_return gone;
}

}  // namespace logagent::os

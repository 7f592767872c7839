#include "logagent/os/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr auto between_looks = 20ms;  // only while an end is waited for
constexpr int nice_level = 10;

/// The processor, the disk and, when memory runs out, its life go to others first. What the kernel
/// refuses is left as it is.
void yield_to_others() {
    ::setpriority(PRIO_PROCESS, 0, nice_level);
    constexpr int of_process = 1;
    constexpr int best_effort_last = (2 << 13) | 7;
    ::syscall(SYS_ioprio_set, of_process, 0, best_effort_last);
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0) return;
    [[maybe_unused]] const auto written = ::write(score, "500", 3);
    ::close(score);
}

/// Between fork and exec, in a process whose other threads are gone: nothing here may allocate.
[[noreturn]] void become_program(char* const* words, int nothing, int output, pid_t parent) {
    ::setpgid(0, 0);  // Ctrl-C is for the parent, which ends this one in good order
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it was gone before that
    yield_to_others();
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::closefrom(STDERR_FILENO + 1);
    ::sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv("/proc/self/exe", words);
    ::_exit(127);
}

std::string describe_end(int status) {
    if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
    return "ended with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

child_process::child_process(asio::any_io_executor executor)
    : output_{executor}, look_{executor}, limit_{executor} {}

child_process::~child_process() {
    if (!running()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

int child_process::start(std::vector<std::string> words) {
    std::string program = "logagent";
    std::vector<char*> arguments{program.data()};
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const unique_fd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!nothing) return errno;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
    unique_fd ours{ends[0]};
    const unique_fd theirs{ends[1]};
    boost::system::error_code refused;
    output_.assign(ours.get(), refused);
    if (refused) return refused.value();
    ours.release();
    const auto parent = ::getpid();
    const auto pid = ::fork();
    if (pid < 0) return errno;
    if (pid == 0) become_program(arguments.data(), nothing.get(), theirs.get(), parent);
    pid_ = pid;
    return 0;
}

asio::awaitable<std::optional<std::string>> child_process::next_line() {
    boost::system::error_code failure;
    auto into = asio::dynamic_buffer(read_, longest_line);
    const auto size = co_await asio::async_read_until(
        output_, into, '\n', asio::redirect_error(asio::use_awaitable, failure));
    if (failure == asio::error::operation_aborted) throw boost::system::system_error{failure};
    if (failure) co_return std::nullopt;
    std::string line = read_.substr(0, size - 1);
    read_.erase(0, size);
    co_return line;
}

asio::awaitable<void> child_process::wait(clock::time_point deadline) {
    for (;;) {
        reap();
        if (!running()) co_return;
        if (clock::now() >= deadline) signal(SIGKILL);
        look_.expires_after(between_looks);
        co_await look_.async_wait(asio::use_awaitable);
    }
}

void child_process::stop(clock::time_point deadline) {
    signal(SIGTERM);
    limit_.expires_at(deadline);
    limit_.async_wait([this](const boost::system::error_code& ended) {
        if (!ended) signal(SIGKILL);
    });
}

void child_process::signal(int number) {
    if (running()) ::kill(pid_, number);
}

void child_process::reap() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return;
    pid_ = -1;
    end_ = describe_end(status);
}

}  // namespace logagent::os

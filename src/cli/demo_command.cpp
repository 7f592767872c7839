#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/demo_text.hpp"

namespace logagent::cli {

namespace {

constexpr flag flags[] = {
    {.names = "--seconds",
     .value = "N",
     .help = "End by itself after that many seconds; without it, by Ctrl-C.",
     .allowed = "1 to 86400"},
    {.names = "--port",
     .value = "N",
     .help = "Port of the pages on 127.0.0.1 (9480, or a free one if that is taken).",
     .allowed = "1 to 65535"},
    {.names = "--dir",
     .value = "DIR",
     .help = "Where the logs and everything else lie, in a new directory ($TMPDIR, or /tmp)."},
};

/// The program of that name on the PATH; empty = none.
std::string find_program(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::string_view rest = path ? path : "";
    while (!rest.empty()) {
        const auto end = std::min(rest.find(':'), rest.size());
        const auto candidate = std::string{rest.substr(0, end)} + "/" + name;
        if (end > 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

std::string temporary_directory() {
    const char* named = std::getenv("TMPDIR");
    return named && *named ? named : "/tmp";
}

/// The heading once, then one table: drawn again in its place on a terminal, every ten seconds
/// elsewhere.
class shown final : public demo::observer {
public:
    shown(const demo::options& chosen, std::ostream& out)
        : chosen_{chosen}, out_{out}, terminal_{&out == &std::cout && ::isatty(STDOUT_FILENO)} {}

    void waits_for(const std::string& what) override {
        out_ << "starting " << what << "..." << std::endl;
    }
    void ready(const demo::place& where) override {
        out_ << demo_heading(where, chosen_) << std::flush;
    }
    bool progressed(const demo::progress& now) override {
        if (!terminal_ && now.at < next_) return bool{out_};
        next_ = now.at + std::chrono::seconds{10};
        const auto table = demo_table(now, width());
        if (drawn_ > 0) out_ << "\x1b[" << drawn_ << "A";
        if (!terminal_) {
            out_ << table << std::endl;
            return bool{out_};
        }
        for (const char c : table)
            out_ << (c == '\n' ? "\x1b[K\n" : std::string(1, c));
        out_ << "\x1b[J" << std::flush;
        drawn_ = static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n'));
        return bool{out_};
    }
    void ends() override { out_ << "ending..." << std::endl; }

private:
    std::size_t width() const {
        ::winsize size{};
        if (!terminal_ || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
        return size.ws_col;
    }

    const demo::options& chosen_;
    std::ostream& out_;
    bool terminal_;
    std::size_t drawn_ = 0;  // lines of the table on the terminal
    std::chrono::seconds next_{0};
};

int run_demo(const arguments& given, streams to) {
    demo::options chosen;
    if (const auto* length = given.last("--seconds"))
        chosen.length =
            std::chrono::seconds{read_number(find_flag(flags, "--seconds"), *length, 1, 86'400)};
    if (const auto* port = given.last("--port"))
        chosen.port =
            static_cast<std::uint16_t>(read_number(find_flag(flags, "--port"), *port, 1, 65'535));
    chosen.parent = given.value_or("--dir", temporary_directory());
    chosen.etcd = find_program("etcd");
    if (chosen.etcd.empty())
        throw usage_error{
            "etcd is not on the PATH; on Debian and Ubuntu: apt-get install etcd-server "
            "(elsewhere: one binary from https://github.com/etcd-io/etcd/releases)"};
    shown screen{chosen, to.out};
    demo::result done;
    try {
        done = demo::run(chosen, screen);
    } catch (const boost::system::system_error& problem) {
        throw usage_error{std::string{"--dir: "} + problem.what()};
    }
    to.out << demo_verdict(done) << std::flush;
    ::_exit(done.failure.empty() ? 0 : 1);  // the broker's threads still run
}

}  // namespace

const command demo_command{
    .name = "demo",
    .summary = "all of it on this machine in a minute: broker, etcd, three agents, the pages",
    .usage = "[--seconds N] [--port N] [--dir DIR]",
    .about =
        "Starts an embedded broker, an etcd of its own, the pages and three agents with names and "
        "addresses of their own, writes the logs of five sample services and collects them: an "
        "access log that rotates, JSON, Java with stack traces, and a job that writes more than "
        "it may send. It prints where to look.\n"
        "\n"
        "It needs no root and the program etcd on the PATH. Everything listens on 127.0.0.1 and "
        "lies in one new directory. Ctrl-C ends it in good order, a second Ctrl-C at once; "
        "either leaves no process and no file.",
    .flags = flags,
    .examples =
        "  logagent demo\n"
        "  logagent demo --seconds 60\n",
    .run = run_demo,
};

}  // namespace logagent::cli

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <ostream>
#include <stdexcept>

#include "cli/commands.hpp"
#include "cli/status_reader.hpp"
#include "cli/status_watch.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/http/client.hpp"

namespace logagent::cli {

namespace {

namespace asio = boost::asio;
constexpr flag flags[] = {
    {.names = "--addr",
     .value = "ADDR",
     .help = "The status_addr of the agent (127.0.0.1:9470); with --health also what web or "
             "transfer listens on, https://NAME:PORT where it has TLS.",
     .allowed = "host:port, or https://host:port"},
    {.names = "--ca-file",
     .value = "FILE",
     .help = "PEM file of the CA that signed the certificate of an https:// address; without it "
             "the system's."},
    {.names = "--watch",
     .help = "Draw it again every second, on the whole screen of a terminal; q or Ctrl-C ends, "
             "arrows scroll."},
    {.names = "--ledger",
     .help = "Where every byte is, and what was lost or cut: path, range, time, reason."},
    {.names = "--json", .help = "Print the agent's own JSON document."},
    {.names = "--health",
     .help =
         "Print only whether it is ready, and end with 0 or 1: for health checks. Also answered "
         "by the listen address of web."},
};

asio::awaitable<void> print_health(status_reader& reader, std::ostream& out) {
    const auto reason = co_await reader.why_not_ready();
    if (!reason.empty()) throw std::runtime_error{reason};
    out << "ready\n" << std::flush;
}

/// Runs `task` until it ends, or until Ctrl-C stops it.
void run_stoppable(asio::io_context& loop, asio::awaitable<void> task) {
    async::task_group tasks{loop.get_executor()};
    asio::signal_set signals{loop, SIGINT, SIGTERM, SIGHUP};
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) tasks.stop();
    });
    tasks.spawn(std::move(task));
    std::exception_ptr failure;
    auto wait = [](async::task_group& of, asio::signal_set& until,
                   std::exception_ptr& result) -> asio::awaitable<void> {
        result = co_await of.join();
        until.cancel();
    };
    asio::co_spawn(loop, wait(tasks, signals, failure), [](std::exception_ptr) {});
    loop.run();
    if (failure) std::rethrow_exception(failure);
}

int print_status(const arguments& given, streams to) {
    const auto address = given.value_or("--addr", "127.0.0.1:9470");
    const auto from = http::parse_endpoint(address, 9470);
    if (!from) throw bad_value(find_flag(flags, "--addr"), address);
    asio::io_context loop{1};
    status_reader reader{loop.get_executor(), *from, given.value_or("--ca-file", "")};
    const status_view as{given.has("--json"), given.has("--ledger")};
    try {
        if (given.has("--health"))
            run_stoppable(loop, print_health(reader, to.out));
        else if (given.has("--watch"))
            run_stoppable(loop, watch_status(reader, as, to.out));
        else
            run_stoppable(loop, print_status_once(reader, as, to.out));
    } catch (const std::runtime_error& error) {
        to.err << "logagent status: " << error.what() << '\n';
        return 1;
    }
    return 0;
}

}  // namespace

const command status_command{
    .name = "status",
    .summary = "show what the agent on this host does",
    .usage = "[--addr HOST:PORT] [--watch] [--ledger] [--json] [--health]",
    .about =
        "Asks a running agent and prints how it stands with its configuration and with Kafka, and "
        "a table of its files, those with a problem first. LAG is what is not acknowledged yet, "
        "SENT/LIMIT are lines a second, THROTTLED is how long the limit has held the file back.",
    .flags = flags,
    .examples =
        "  logagent status\n"
        "  logagent status --addr 127.0.0.1:9471 --watch\n"
        "  logagent status --ledger\n",
    .run = print_status,
};

}  // namespace logagent::cli

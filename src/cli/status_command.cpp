#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/status_text.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/http/client.hpp"

namespace logagent::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t page_files = 1000;
constexpr std::size_t most_files = 20'000;

constexpr flag flags[] = {
    {.names = "--addr",
     .value = "ADDR",
     .help = "The status_addr of the agent (127.0.0.1:9470).",
     .allowed = "host:port"},
    {.names = "--watch", .help = "Draw it again every second until Ctrl-C."},
    {.names = "--ledger",
     .help = "Where every byte is, and what was lost or cut: path, range, time, reason."},
    {.names = "--json", .help = "Print the agent's own JSON document."},
    {.names = "--health",
     .help =
         "Print only whether it is ready, and end with 0 or 1: for health checks. Also answered "
         "by the listen address of web."},
};

struct screen {
    bool terminal = false;
    std::size_t width = 0;  // 0 = no limit
    std::size_t rows = 0;
};

screen look_at_screen(const std::ostream& out) {
    if (&out != &std::cout || !::isatty(STDOUT_FILENO)) return {};
    ::winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {true, 100, 0};
    return {true, size.ws_col, size.ws_row};
}

/// Asks one agent.
class status_reader {
public:
    status_reader(asio::any_io_executor executor, http::endpoint from)
        : names_{executor}, client_{executor, names_, {}}, from_{std::move(from)} {}

    /// The whole document, the pages of its files put together. Throws std::runtime_error with
    /// what to do.
    asio::awaitable<boost::json::value> read(bool ledger) {
        const std::string ledger_target = "/ledger";
        if (ledger) co_return co_await get(ledger_target);
        const std::string beginning;
        boost::json::value whole = co_await page(beginning);
        for (;;) {
            const auto* files = files_of(whole);
            if (!files || files->empty() || files->size() % page_files != 0 ||
                files->size() >= most_files)
                co_return whole;
            const auto* last = files->back().as_object().if_contains("path");
            if (!last || !last->is_string()) co_return whole;
            const std::string after{last->as_string()};
            boost::json::value next = co_await page(after);
            auto* more = files_of(next);
            if (!more || more->empty()) co_return whole;
            for (auto& file : *more)
                files_of(whole)->push_back(std::move(file));
        }
    }

    /// Nothing when it is ready, else what it or the connection says. Throws never.
    asio::awaitable<std::string> why_not_ready() {
        http::request what;
        what.target = "/readyz";
        const auto deadline = clock::now() + 5s;
        auto answer = co_await client_.send(from_, std::move(what), deadline);
        if (!answer) co_return advice(answer.error());
        if (answer->status == 200) co_return std::string{};
        co_return from_.authority() + " answered " + std::to_string(answer->status) + ": " +
            base::visible(answer->body, 200);
    }

private:
    static boost::json::array* files_of(boost::json::value& document) {
        auto* object = document.if_object();
        auto* files = object ? object->if_contains("files") : nullptr;
        return files ? files->if_array() : nullptr;
    }

    static std::string target(const std::string& after) {
        std::string out = "/status?limit=" + std::to_string(page_files);
        if (after.empty()) return out;
        out += "&after=";
        for (const char c : after) {
            static constexpr char digits[] = "0123456789ABCDEF";
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', digits[byte >> 4], digits[byte & 15]};
        }
        return out;
    }

    asio::awaitable<boost::json::value> page(std::string after) {
        std::string wanted = target(after);
        co_return co_await get(std::move(wanted));
    }

    asio::awaitable<boost::json::value> get(std::string wanted) {
        http::request what;
        what.target = std::move(wanted);
        const auto deadline = clock::now() + 5s;
        auto answer = co_await client_.send(from_, std::move(what), deadline);
        if (!answer) throw std::runtime_error{advice(answer.error())};
        if (answer->status != 200)
            throw std::runtime_error{from_.authority() + " answered " +
                                     std::to_string(answer->status) +
                                     ": it is no agent's status_addr, or not yet ready"};
        base::json_limits limits;
        limits.max_bytes = 16 << 20;
        auto document = base::parse_json(answer->body, limits);
        if (!document)
            throw std::runtime_error{from_.authority() + " answered no status document: " +
                                     base::describe(document.error())};
        co_return *std::move(document);
    }

    std::string advice(const http::error& failure) const {
        if (failure.why == http::error::cause::connect)
            return "no agent answers at " + from_.authority() +
                   "; is it running, with this status_addr? (another one: --addr HOST:PORT)";
        return base::visible(failure.text, 300);
    }

    dns::resolver names_;
    http::client client_;
    http::endpoint from_;
};

struct view {
    bool as_json = false;
    bool ledger = false;
};

std::string shown(const boost::json::value& document, view as, const screen& on, bool watch) {
    if (as.as_json) return boost::json::serialize(document) + "\n";
    if (as.ledger) return render_ledger(document, on.width);
    // In a drawing that is repeated the table must not scroll its header away.
    const auto rows = watch && on.rows > 14 ? on.rows - 12 : std::size_t{0};
    return render_status(document, on.width, rows);
}

/// Draws over what stood there: home, each line cleared to its end, then all below.
std::string over_the_last(const std::string& text) {
    std::string out = "\x1b[H";
    for (const char c : text)
        out += c == '\n' ? "\x1b[K\n" : std::string(1, c);
    return out + "\x1b[J";
}

asio::awaitable<void> print_once(status_reader& reader, view as, std::ostream& out) {
    const auto document = co_await reader.read(as.ledger);
    out << shown(document, as, look_at_screen(out), false) << std::flush;
}

asio::awaitable<void> print_health(status_reader& reader, std::ostream& out) {
    const auto reason = co_await reader.why_not_ready();
    if (!reason.empty()) throw std::runtime_error{reason};
    out << "ready\n" << std::flush;
}

asio::awaitable<void> print_for_ever(status_reader& reader, view as, std::ostream& out) {
    asio::steady_timer next{co_await asio::this_coro::executor};
    bool first = true;
    while (out) {
        std::string text;
        bool failed = false;
        try {
            const auto document = co_await reader.read(as.ledger);
            text = shown(document, as, look_at_screen(out), true);
        } catch (const boost::system::system_error&) {
            throw;  // the stop
        } catch (const std::runtime_error& error) {
            failed = true;
            text = error.what() + std::string{"\n"};
        }
        const auto on = look_at_screen(out);
        if (failed && first) throw std::runtime_error{text.substr(0, text.size() - 1)};
        if (on.terminal && !as.as_json)
            out << (first ? "\x1b[2J" : "") << over_the_last(text) << std::flush;
        else
            out << text << (as.as_json ? "" : "\n") << std::flush;
        first = false;
        next.expires_after(1s);
        co_await next.async_wait(asio::use_awaitable);
    }
}

/// Runs `task` until it ends, or until Ctrl-C stops it.
void run_stoppable(asio::io_context& loop, asio::awaitable<void> task) {
    async::task_group tasks{loop.get_executor()};
    asio::signal_set signals{loop, SIGINT, SIGTERM};
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
    status_reader reader{loop.get_executor(), *from};
    const view as{given.has("--json"), given.has("--ledger")};
    try {
        if (given.has("--health"))
            run_stoppable(loop, print_health(reader, to.out));
        else if (given.has("--watch"))
            run_stoppable(loop, print_for_ever(reader, as, to.out));
        else
            run_stoppable(loop, print_once(reader, as, to.out));
    } catch (const std::runtime_error& error) {
        to.err << "logagent status: " << error.what() << '\n';
        return 1;
    }
    // Behind the ^C that the terminal shows.
    if (given.has("--watch") && look_at_screen(to.out).terminal) to.out << std::endl;
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

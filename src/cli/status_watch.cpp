#include "cli/status_watch.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>

#include "cli/full_screen.hpp"
#include "cli/json_text.hpp"
#include "cli/status_text.hpp"
#include "cli/text_table.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/async/task_group.hpp"

namespace logagent::cli {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

bool is_terminal(const std::ostream& out) {
    return &out == &std::cout && ::isatty(STDOUT_FILENO);
}

std::size_t width_of(const std::ostream& out) {
    if (!is_terminal(out)) return 0;
    ::winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
    return size.ws_col;
}

std::string shown(const boost::json::value& document, status_view as, std::size_t width) {
    if (as.as_json) return boost::json::serialize(document) + "\n";
    return as.ledger ? render_ledger(document, width) : render_status(document, width);
}

/// The line's colour: what a person should look at, and what is held back.
std::string_view colour_of(std::string_view line) {
    constexpr std::string_view red = "\x1b[31m", yellow = "\x1b[33m", bold = "\x1b[1m";
    for (const std::string_view label : {"problem ", "refused ", "blocked "})
        if (line.starts_with(label)) return red;
    if (line.starts_with("PATH ")) return bold;
    for (const std::string_view state : {"  error ", "  denied "})
        if (line.find(state) != line.npos) return red;
    for (const std::string_view state : {"  throttled ", "  shadowed ", "  draining "})
        if (line.find(state) != line.npos) return yellow;
    return {};
}

std::string coloured(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        const auto colour = colour_of(line);
        out += std::string{colour} + std::string{line} + (colour.empty() ? "\n" : "\x1b[0m\n");
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return out;
}

/// No line may go on in the next one of the screen.
std::string cut_lines(std::string_view text, std::size_t width) {
    std::string out;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        out += shorten_end(line, width) + "\n";
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return out;
}

/// Lines in front of the files.
std::size_t lines_before_files(std::string_view text) {
    const auto blank = text.find("\n\n");
    if (blank == text.npos) return 0;
    const auto before = std::count(text.begin(), text.begin() + static_cast<long>(blank), '\n');
    return static_cast<std::size_t>(before) + 3;  // that line, the blank one, the table's head
}

/// The screen, what is on it, and what moves it.
class watcher {
public:
    watcher(asio::any_io_executor executor, status_reader& reader, status_view as)
        : reader_{reader},
          view_{as},
          screen_{executor},
          timer_{executor},
          resized_{executor, SIGWINCH},
          paused_{executor, SIGTSTP} {}

    bool has_keys() const { return screen_.has_keys(); }

    asio::awaitable<void> poll() {
        for (;;) {
            try {
                document_ = co_await reader_.read(view_.ledger);
                problem_.clear();
            } catch (const boost::system::system_error&) {
                throw;  // the stop
            } catch (const std::runtime_error& error) {
                problem_ = error.what();
            }
            draw();
            timer_.expires_after(1s);
            co_await timer_.async_wait(asio::use_awaitable);
        }
    }

    asio::awaitable<void> follow_keys(async::event& quit) {
        for (;;) {
            const auto pressed = co_await screen_.next_key();
            if (pressed == full_screen::key::quit) {
                quit.notify();
                co_return;
            }
            scroll(pressed);
            draw();
        }
    }

    asio::awaitable<void> follow_size() {
        for (;;) {
            co_await resized_.async_wait(asio::use_awaitable);
            draw();
        }
    }

    asio::awaitable<void> follow_pauses() {
        for (;;) {
            co_await paused_.async_wait(asio::use_awaitable);
            screen_.leave();
            ::raise(SIGSTOP);
            screen_.enter();
            draw();
        }
    }

private:
    void scroll(full_screen::key by) {
        using key = full_screen::key;
        const auto page = std::max<std::size_t>(screen_.look().rows / 2, 1);
        if (by == key::up) first_ -= std::min<std::size_t>(first_, 1);
        if (by == key::down) ++first_;
        if (by == key::page_up) first_ -= std::min(first_, page);
        if (by == key::page_down) first_ += page;
        if (by == key::home) first_ = 0;
    }

    void draw() {
        const auto on = screen_.look();
        if (!problem_.empty()) return screen_.draw(shorten_end(problem_, on.width) + "\n");
        if (view_.ledger)
            return screen_.draw(page_of(cut_lines(render_ledger(document_, on.width), on.width), 0,
                                        first_, on.rows));
        const auto* files = member(&document_, "files");
        const auto count = array_of(files).size();
        first_ = std::min(first_, count > 0 ? count - 1 : 0);
        const bool colours = std::getenv("NO_COLOR") == nullptr;
        screen_.draw(status_screen(document_, on.width, on.rows, first_, colours));
    }

    status_reader& reader_;
    status_view view_;
    full_screen screen_;
    asio::steady_timer timer_;
    asio::signal_set resized_;
    asio::signal_set paused_;
    boost::json::value document_;
    std::string problem_;
    std::size_t first_ = 0;
};

asio::awaitable<void> watch_on_screen(status_reader& reader, status_view as) {
    const auto executor = co_await asio::this_coro::executor;
    async::event quit{executor};
    std::exception_ptr failure;
    {
        watcher all{executor, reader, as};
        async::task_group tasks{executor};
        tasks.spawn(async::guarded(all.poll(), failure, quit));
        tasks.spawn(async::guarded(all.follow_size(), failure, quit));
        tasks.spawn(async::guarded(all.follow_pauses(), failure, quit));
        if (all.has_keys()) tasks.spawn(async::guarded(all.follow_keys(quit), failure, quit));
        co_await asio::this_coro::throw_if_cancelled(false);
        try {
            co_await quit.wait();
        } catch (const boost::system::system_error&) {
            // stopped
        }
        tasks.stop();
        co_await tasks.join();
    }
    if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> watch_below(status_reader& reader, status_view as, std::ostream& out) {
    asio::steady_timer next{co_await asio::this_coro::executor};
    while (out) {
        std::string text;
        try {
            const auto document = co_await reader.read(as.ledger);
            text = shown(document, as, 0);
        } catch (const boost::system::system_error&) {
            throw;  // the stop
        } catch (const std::runtime_error& error) {
            text = error.what() + std::string{"\n"};
        }
        out << text << (as.as_json ? "" : "\n") << std::flush;
        next.expires_after(1s);
        co_await next.async_wait(asio::use_awaitable);
    }
}

}  // namespace

std::string status_sum(const boost::json::value& document) {
    std::map<std::string, std::size_t> states;
    double lines = 0, lag = 0;
    for (const auto& file : array_of(member(&document, "files"))) {
        ++states[text_of(file, "state")];
        lines += number_of(file, "lines_per_s");
        lag += number_of(file, "lag_bytes");
    }
    std::size_t all = 0;
    std::string by_state;
    for (const auto& [state, count] : states) {
        all += count;
        by_state += (by_state.empty() ? ": " : ", ") + std::to_string(count) + " " + state;
    }
    return std::to_string(all) + (all == 1 ? " file" : " files") + by_state + "; " +
           std::to_string(std::llround(std::min(lines, 1e15))) + " lines/s, " + bytes_text(lag) +
           " behind";
}

std::string status_screen(const boost::json::value& document, std::size_t width, std::size_t rows,
                          std::size_t first, bool colours) {
    const std::string keys = "q quits, arrows scroll ";
    auto title = " " + status_sum(document);
    const auto room = width > keys.size() + 2 ? width - keys.size() - 2 : 0;
    title = shorten_end(title, room);
    title += std::string(width - std::min(width, text_width(title) + keys.size()), ' ') + keys;
    title = shorten_end(title, width);
    const auto text = cut_lines(render_status(document, width, first + rows), width);
    const auto fixed = lines_before_files(text);
    const auto below = page_of(text, fixed, first, rows > 1 ? rows - 1 : 0);
    if (!colours) return title + "\n" + below;
    return "\x1b[7m" + title + "\x1b[0m\n" + coloured(below);
}

asio::awaitable<void> print_status_once(status_reader& reader, status_view as, std::ostream& out) {
    const auto document = co_await reader.read(as.ledger);
    out << shown(document, as, width_of(out)) << std::flush;
}

asio::awaitable<void> watch_status(status_reader& reader, status_view as, std::ostream& out) {
    // One that is not there is said on the usual screen, where it stays.
    const auto probe = co_await reader.read(as.ledger);
    if (is_terminal(out) && !as.as_json)
        co_await watch_on_screen(reader, as);
    else
        co_await watch_below(reader, as, out);
}

}  // namespace logagent::cli

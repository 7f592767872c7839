#include "cli/full_screen.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <vector>

namespace logagent::cli {

namespace asio = boost::asio;

namespace {

/// Waits where the terminal is slow: half a drawing is worse.
void put(std::string_view text) {
    while (!text.empty()) {
        const auto got = ::write(STDOUT_FILENO, text.data(), text.size());
        if (got < 0 && errno != EINTR && errno != EAGAIN) return;
        if (got > 0) text.remove_prefix(static_cast<std::size_t>(got));
    }
}

}  // namespace

full_screen::full_screen(asio::any_io_executor executor) : keys_{std::move(executor)} {
    // A descriptor of our own: O_NONBLOCK is of the open file, which the shell has as well.
    const char* name = ::isatty(STDIN_FILENO) ? ::ttyname(STDIN_FILENO) : nullptr;
    const int keys = name ? ::open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    reads_keys_ = keys >= 0 && ::tcgetattr(keys, &before_) == 0;
    if (keys >= 0) keys_.assign(keys);
    enter();
}

full_screen::~full_screen() {
    leave();
}

void full_screen::enter() {
    if (entered_) return;
    entered_ = true;
    if (reads_keys_) {
        auto raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C and Ctrl-Z stay signals
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(keys_.native_handle(), TCSADRAIN, &raw);
    }
    put("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");
}

void full_screen::leave() {
    if (!entered_) return;
    entered_ = false;
    put("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
    if (reads_keys_) ::tcsetattr(keys_.native_handle(), TCSAFLUSH, &before_);
}

full_screen::size full_screen::look() const {
    ::winsize found{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0) return {};
    return {found.ws_col, found.ws_row};
}

void full_screen::draw(std::string_view text) {
    if (!entered_) return;
    std::string out = "\x1b[H";
    for (const char c : text)
        out += c == '\n' ? "\x1b[0m\x1b[K\n" : std::string(1, c);
    // Without a line end behind the last line, which would scroll a full screen by one.
    if (text.ends_with('\n')) out.pop_back();
    put(out + "\x1b[J");
}

asio::awaitable<full_screen::key> full_screen::next_key() {
    std::array<char, 32> bytes;
    boost::system::error_code failure;
    auto into = asio::buffer(bytes);
    const auto got =
        co_await keys_.async_read_some(into, asio::redirect_error(asio::use_awaitable, failure));
    if (failure == asio::error::operation_aborted) throw boost::system::system_error{failure};
    if (failure || got == 0) co_return key::quit;
    co_return key_of({bytes.data(), got});
}

full_screen::key key_of(std::string_view bytes) {
    using key = full_screen::key;
    static constexpr std::pair<std::string_view, key> known[] = {
        {"q", key::quit},      {"Q", key::quit},      {"k", key::up},
        {"j", key::down},      {"\x1b[A", key::up},   {"\x1b[B", key::down},
        {"\x1bOA", key::up},   {"\x1bOB", key::down}, {"\x1b[5~", key::page_up},
        {" ", key::page_down}, {"b", key::page_up},   {"\x1b[6~", key::page_down},
        {"\x1b[H", key::home}, {"g", key::home},      {"\x1b[1~", key::home},
    };
    const auto* found = std::find_if(std::begin(known), std::end(known),
                                     [&](const auto& each) { return each.first == bytes; });
    return found == std::end(known) ? key::other : found->second;
}

std::string page_of(std::string_view text, std::size_t title, std::size_t first, std::size_t rows) {
    std::vector<std::string_view> lines;
    for (; !text.empty(); text.remove_prefix(std::min(lines.back().size() + 1, text.size())))
        lines.push_back(text.substr(0, text.find('\n')));
    std::string out;
    const auto fixed = std::min({title, lines.size(), rows});
    const auto room = rows - fixed;
    const auto body = lines.size() - fixed;
    const auto begin = fixed + std::min(first, body > room ? body - room : 0);
    for (std::size_t i = 0; i < lines.size() && i < begin + room; ++i)
        if (i < fixed || i >= begin) out += std::string{lines[i]} + "\n";
    return out;
}

}  // namespace logagent::cli

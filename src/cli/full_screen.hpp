#pragma once

#include <termios.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace logagent::cli {

/// The terminal's other screen, with keys that arrive at once and are not shown. However it ends,
/// what stood there before is there again.
class full_screen {
public:
    struct size {
        std::size_t width = 80;
        std::size_t rows = 24;
    };

    explicit full_screen(boost::asio::any_io_executor executor);
    ~full_screen();
    full_screen(const full_screen&) = delete;
    full_screen& operator=(const full_screen&) = delete;

    /// Shows `text`, at most `rows` lines; what stood there is gone.
    void draw(std::string_view text);
    size look() const;

    /// For Ctrl-Z: leave(), stop, enter(), draw().
    void enter();
    void leave();

    /// False where the input is no terminal.
    bool has_keys() const noexcept { return reads_keys_; }

    enum class key { other, quit, up, down, page_up, page_down, home };
    /// The next key; throws operation_aborted when the waiting task is stopped. `quit` is also the
    /// end of the input.
    boost::asio::awaitable<key> next_key();

private:
    boost::asio::posix::stream_descriptor keys_;
    ::termios before_{};
    bool reads_keys_ = false;
    bool entered_ = false;
};

/// What the bytes of one key mean.
full_screen::key key_of(std::string_view bytes);

/// At most `rows` lines of `text`: the first `title` lines stay, those below are scrolled by
/// `first`.
std::string page_of(std::string_view text, std::size_t title, std::size_t first, std::size_t rows);

}  // namespace logagent::cli

#include "notices.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>

namespace logagent::kafka {

namespace asio = boost::asio;

namespace {

constexpr std::size_t longest_text = 1000;  // a write of up to PIPE_BUF bytes is never torn

}  // namespace

notices::notices(asio::any_io_executor executor) : out_{std::move(executor)} {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          "pipe for librdkafka"};
    in_ = ends[1];
    out_.assign(ends[0]);
}

notices::~notices() {
    ::close(in_);
}

void notices::tell(char kind, std::string_view text) const noexcept {
    std::array<char, longest_text + 2> line;
    if (text.size() > longest_text || text.find('\n') != std::string_view::npos) return;
    line[0] = kind;
    std::memcpy(line.data() + 1, text.data(), text.size());
    line[text.size() + 1] = '\n';
    while (::write(in_, line.data(), text.size() + 2) < 0 && errno == EINTR) {
    }
}

asio::awaitable<void> notices::read(std::function<void(char, std::string_view)> receiver) {
    std::string gathered;
    std::array<char, 4096> buffer;
    for (;;) {
        const auto space = asio::buffer(buffer);
        const std::size_t size = co_await out_.async_read_some(space, asio::use_awaitable);
        gathered.append(buffer.data(), size);
        std::size_t begin = 0;
        for (auto end = gathered.find('\n'); end != std::string::npos;
             end = gathered.find('\n', begin)) {
            const auto line = std::string_view{gathered}.substr(begin, end - begin);
            if (!line.empty()) receiver(line.front(), line.substr(1));
            begin = end + 1;
        }
        gathered.erase(0, begin);
    }
}

}  // namespace logagent::kafka

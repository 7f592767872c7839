#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <deque>
#include <map>

#include "logagent/async/event.hpp"
#include "logagent/base/error.hpp"
#include "logagent/os/aio_fsync.hpp"
#include "logagent/os/unique_fd.hpp"
#include "logagent/transfer/sink.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t turn_bytes = 256 << 10;  // written, then others have their turn
constexpr auto sync_interval = 100ms;
constexpr auto retry_pause = 1s;
// A pipe that poll() calls writable takes this much without blocking (PIPE_BUF), also where the
// descriptor is in blocking mode, which we must not change: other programs share it.
constexpr std::size_t sure_write = 4096;
constexpr auto full_pause = 10ms;

/// Documents, one a line, appended to a file (accepted once they are on the disk) or written to
/// standard output (accepted once they are written).
class file_sink final : public sink {
public:
    file_sink(sink_parts parts, const sink_settings& where)
        : parts_{std::move(parts)},
          path_{where.path},
          work_{parts_.executor},
          progress_{parts_.executor},
          sync_{parts_.executor} {
        if (path_.empty())
            std::signal(SIGPIPE, SIG_IGN);
        else
            open_file();
    }

    asio::awaitable<void> run() override;
    void begin(const lane_start& first) override { topic_ids_[first.in] = first.topic_id; }
    void take(item next) override;
    asio::awaitable<void> drain(std::vector<lane> lanes, clock::time_point deadline) override;
    void end(lane in) override;
    sink_figures figures() const override;

private:
    void open_file();
    void render();
    asio::awaitable<bool> write_out();
    asio::awaitable<void> pause(clock::duration time);
    void fail(const std::string& what, int code);
    bool has(const std::vector<lane>& lanes) const;

    sink_parts parts_;
    std::string path_;
    os::unique_fd file_;
    async::event work_;
    async::event progress_;
    os::aio_fsync sync_;
    std::map<lane, std::string> topic_ids_;
    std::deque<item> waiting_;
    std::vector<item> batch_;  // being written
    document made_;            // of the record that is being rendered
    std::string text_;
    std::uint64_t whole_ = 0;  // length of the file without what was not written as a whole
    sink_figures counted_;
};

void file_sink::open_file() {
    const auto refuse = [&](const std::string& why) {
        throw base::problem_error{{"file", "file " + path_ + ": " + why}};
    };
    file_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
    if (!file_) refuse("cannot be opened: " + base::describe_errno(errno));
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode))
        refuse("not a regular file");
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
        refuse("another process writes it; give each its own file");
    // What follows the last line end was cut off by a crash, was never accepted, and comes again.
    whole_ = static_cast<std::uint64_t>(status.st_size);
    char last = '\n';
    std::string block(64 << 10, '\0');
    std::uint64_t end = whole_;
    while (end > 0) {
        const auto size = std::min<std::uint64_t>(end, block.size());
        const auto got = ::pread(file_.get(), block.data(), size, static_cast<off_t>(end - size));
        if (got < 0) refuse("cannot be read: " + base::describe_errno(errno));
        const auto at = std::string_view{block.data(), size}.rfind('\n');
        last = at == std::string_view::npos ? ' ' : '\n';
        end = last == '\n' ? end - size + at + 1 : end - size;
        if (last == '\n') break;
    }
    whole_ = end;
    if (::ftruncate(file_.get(), static_cast<off_t>(whole_)) != 0)
        refuse("cannot be cut: " + base::describe_errno(errno));
}

void file_sink::take(item next) {
    waiting_.push_back(std::move(next));
    if (waiting_.size() == 1) work_.notify();
}

void file_sink::end(lane in) {
    std::erase_if(waiting_, [&](const item& one) { return one.in == in; });
    std::erase_if(batch_, [&](const item& one) { return one.in == in; });
    topic_ids_.erase(in);
}

bool file_sink::has(const std::vector<lane>& lanes) const {
    const auto is = [&](const item& one) {
        return std::find(lanes.begin(), lanes.end(), one.in) != lanes.end();
    };
    return std::any_of(waiting_.begin(), waiting_.end(), is) ||
           std::any_of(batch_.begin(), batch_.end(), is);
}

asio::awaitable<void> file_sink::drain(std::vector<lane> lanes, clock::time_point deadline) {
    work_.notify();
    while (has(lanes) && clock::now() < deadline)
        co_await progress_.wait_until(deadline);
}

asio::awaitable<void> file_sink::run() {
    for (;;) {
        while (waiting_.empty())
            co_await work_.wait();
        render();
        bool written = co_await write_out();
        while (!written) {
            co_await pause(retry_pause);
            written = co_await write_out();
        }
        ++counted_.requests;
        for (auto& one : std::exchange(batch_, {}))
            parts_.to.accepted(std::move(one));
        progress_.notify();
        if (file_ && waiting_.empty()) co_await pause(sync_interval);
    }
}

/// Makes the text of as much as is written at once.
void file_sink::render() {
    text_.clear();
    while (!waiting_.empty() && text_.size() < turn_bytes) {
        auto& one = waiting_.front();
        source_record from;
        from.topic = one.record.topic;
        from.topic_id = topic_ids_[one.in];
        from.partition = one.record.partition;
        from.offset = one.record.offset;
        from.timestamp_ms = one.record.timestamp_ms;
        from.key = one.record.key;
        from.value = one.record.value;
        parts_.documents.make(made_, from);
        text_ += made_.json;
        text_ += '\n';
        batch_.push_back(std::move(one));
        waiting_.pop_front();
    }
}

asio::awaitable<bool> file_sink::write_out() {
    std::size_t done = 0;
    while (done < text_.size()) {
        if (!file_) {
            pollfd asked{STDOUT_FILENO, POLLOUT, 0};
            while (::poll(&asked, 1, 0) == 0)
                co_await pause(full_pause);
        }
        const auto size = file_ ? text_.size() - done : std::min(text_.size() - done, sure_write);
        const auto at = static_cast<off_t>(whole_ + done);
        const auto got = file_ ? ::pwrite(file_.get(), text_.data() + done, size, at)
                               : ::write(STDOUT_FILENO, text_.data() + done, size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            fail("cannot be written", errno);
            co_return false;
        }
        done += static_cast<std::size_t>(got);
    }
    if (file_) {
        const int code = co_await sync_.sync(file_.get());
        if (code != 0) {
            fail("cannot be brought to the disk", code);
            co_return false;
        }
        whole_ += text_.size();
    }
    counted_.bytes += text_.size();
    if (!counted_.stalled.empty()) {
        counted_.stalled.clear();
        parts_.to.stalled({});
    }
    co_return true;
}

void file_sink::fail(const std::string& what, int code) {
    if (!file_)
        throw base::problem_error{
            {"stdout", "standard output " + what + ": " + base::describe_errno(code)}};
    ++counted_.retried["write"];
    counted_.stalled = "file " + path_ + " " + what + ": " + base::describe_errno(code) +
                       "; it is tried again every second";
    parts_.to.stalled(counted_.stalled);
}

asio::awaitable<void> file_sink::pause(clock::duration time) {
    asio::steady_timer timer{parts_.executor};
    timer.expires_after(time);
    co_await timer.async_wait(asio::use_awaitable);
}

sink_figures file_sink::figures() const {
    auto out = counted_;
    out.in_flight = batch_.empty() ? 0 : 1;
    return out;
}

}  // namespace

std::unique_ptr<sink> create_file_sink(sink_parts parts, const sink_settings& where,
                                       const sink_options&) {
    return std::make_unique<file_sink>(std::move(parts), where);
}

}  // namespace logagent::transfer

#include "agent/stdout_producer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace logagent::agent {

namespace {

constexpr std::size_t most_backlog = 256 << 10;

// A pipe that poll() calls writable takes this much without blocking (PIPE_BUF), also where the
// descriptor is in blocking mode, which we must not change: other programs share it.
constexpr std::size_t sure_write = 4096;

constexpr std::chrono::milliseconds full_pause{10};

void ignore_broken_pipes() {
    struct sigaction now {};
    if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
        ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

kafka::topic_description describe_stdout(std::string_view name) {
    kafka::topic_description out;
    out.topic = name;
    kafka::topic_description::partition only;
    only.leader = 0;
    only.replicas = 1;
    only.in_sync = 1;
    out.partitions.push_back(only);
    return out;
}

stdout_producer::stdout_producer(boost::asio::any_io_executor executor, int fd,
                                 std::function<void(const std::string&)> broken)
    : executor_{executor},
      full_{executor},
      fd_{fd},
      broken_{std::move(broken)},
      alive_{std::make_shared<const char>('\0')} {
    ignore_broken_pipes();
}

stdout_producer::~stdout_producer() = default;

kafka::topic_handle stdout_producer::topic(std::string_view name) {
    const auto found = std::find(topics_.begin(), topics_.end(), name);
    const auto handle = static_cast<kafka::topic_handle>(found - topics_.begin());
    if (found == topics_.end()) topics_.emplace_back(name);
    return handle;
}

kafka::produce_result stdout_producer::produce(kafka::topic_handle, std::int32_t,
                                               std::span<const kafka::record> records,
                                               void* batch) {
    // All of a batch or nothing: a part of it would be sent again with the rest, and stand there
    // twice.
    kafka::produce_result out;
    if (!room()) return out;
    for (const auto& single : records)
        accept(single, batch);
    out.accepted = records.size();
    if (out.accepted > 0) call_later();
    return out;
}

kafka::error stdout_producer::produce_with_headers(kafka::topic_handle, std::int32_t,
                                                   const kafka::record& single,
                                                   std::span<const kafka::header>, void* batch) {
    if (!room()) return kafka::error::queue_full;
    accept(single, batch);
    call_later();
    return kafka::error::none;
}

bool stdout_producer::room() {
    if (!failure_.empty()) return true;  // taken, and reported as failed
    if (backlog_.size() - written_of_it_ >= most_backlog) flush();
    return backlog_.size() - written_of_it_ < most_backlog;
}

void stdout_producer::accept(const kafka::record& single, void* batch) {
    if (failure_.empty()) {  // with a failure nothing is kept
        const auto before = backlog_.size();
        if (single.key) backlog_.append(single.key, single.key_size);
        backlog_.push_back('\t');
        if (single.value) backlog_.append(single.value, single.size);
        backlog_.push_back('\n');
        accepted_ += backlog_.size() - before;
    }
    waiting_.push_back({batch, single.value, accepted_});
}

bool stdout_producer::writable() {
    pollfd asked{fd_, POLLOUT, 0};
    return ::poll(&asked, 1, 0) > 0;  // an error counts: write() names it
}

/// False: nothing more can be written now.
bool stdout_producer::write_some() {
    if (!writable()) return false;
    const auto size = std::min(backlog_.size() - written_of_it_, sure_write);
    const auto done = ::write(fd_, backlog_.data() + written_of_it_, size);
    if (done >= 0) {
        written_of_it_ += static_cast<std::size_t>(done);
        return true;
    }
    if (errno == EINTR) return true;
    if (errno != EAGAIN) fail(errno);
    return false;
}

void stdout_producer::flush() {
    while (failure_.empty() && written_of_it_ < backlog_.size())
        if (!write_some()) break;
    if (written_of_it_ == backlog_.size()) {
        backlog_.clear();
        written_of_it_ = 0;
    } else if (written_of_it_ >= most_backlog / 2) {
        backlog_.erase(0, written_of_it_);
        written_of_it_ = 0;
    }
}

void stdout_producer::fail(int code) {
    failure_ = "standard output: " + std::generic_category().message(code) +
               "; nothing more can be written";
    call_later();
}

void stdout_producer::call_later() {
    if (called_) return;
    called_ = true;
    boost::asio::post(executor_, [this, alive = std::weak_ptr{alive_}] {
        if (alive.expired()) return;
        called_ = false;
        flush();
        tell();
    });
}

/// A timer and not the reactor: that one would need the descriptor in non-blocking mode.
void stdout_producer::look_later() {
    if (looking_) return;
    looking_ = true;
    full_.expires_after(full_pause);
    full_.async_wait([this, alive = std::weak_ptr{alive_}](boost::system::error_code) {
        if (alive.expired()) return;
        looking_ = false;
        call_later();
    });
}

void stdout_producer::tell() {
    const auto complete = accepted_ - (backlog_.size() - written_of_it_);
    const std::weak_ptr alive{alive_};
    while (!waiting_.empty() && waiting_.front().end <= complete && !told_failure_) {
        void* const batch = waiting_.front().batch;
        std::uint32_t count = 0;
        while (!waiting_.empty() && waiting_.front().batch == batch &&
               waiting_.front().end <= complete) {
            waiting_.pop_front();
            ++count;
        }
        listener_->delivered(batch, count);
        if (alive.expired()) return;
    }
    if (failure_.empty()) {
        if (!waiting_.empty()) look_later();
        return;
    }
    const bool first = !std::exchange(told_failure_, true);
    // A listener may send again at once, and that fails in a later call.
    auto failed = std::exchange(waiting_, {});
    for (const auto& one : failed) {
        listener_->failed(one.batch, one.value, kafka::error::fatal, true);
        if (alive.expired()) return;
    }
    if (first && broken_) broken_(failure_);
}

}  // namespace logagent::agent

#include "transfer/hdfs_patience.hpp"

#include "logagent/base/log.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// A NameNode that changes or a DataNode that comes back is no news for a person.
constexpr unsigned failures_that_pass = 3;

std::uint64_t seed_of(const void* place) {
    return reinterpret_cast<std::uintptr_t>(place);
}

}  // namespace

hdfs_patience::hdfs_patience(hdfs_workshop& shop, lane of)
    : shop_{shop}, of_{of}, changed_{shop.parts.executor}, waits_{200ms, 15s, seed_of(this)} {}

void hdfs_patience::end() {
    ended_ = true;
    shop_.trouble(of_, {});
    changed_.notify();
}

asio::awaitable<void> hdfs_patience::wait_until(clock::time_point deadline) {
    if (ended_) co_return;
    co_await changed_.wait_until(deadline);
}

asio::awaitable<void> hdfs_patience::wait(clock::duration time) {
    const auto until = clock::now() + time;
    while (!ended_ && clock::now() < until)
        co_await changed_.wait_until(until);
}

asio::awaitable<bool> hdfs_patience::failed(hdfs_answer answer, std::string doing) {
    if (ended_) co_return false;
    ++failures_;
    ++shop_.retried[answer.code];
    const std::string text = doing + ": " + answer.text;
    const bool needs_person = answer.verdict == hdfs_verdict::refused;
    if (needs_person || failures_ >= failures_that_pass) {
        std::string told = text;
        told += needs_person ? "; nothing is lost, it is tried again until it is allowed"
                             : "; it is tried again";
        shop_.trouble(of_, std::move(told));
    }
    LOGAGENT_LOG(warn, "transfer.hdfs", "route " << shop_.parts.route << ": " << text);
    co_await wait(waits_.next());
    co_return !ended_;
}

void hdfs_patience::worked() {
    failures_ = 0;
    waits_.reset();
    if (!ended_) shop_.trouble(of_, {});
}

}  // namespace logagent::transfer

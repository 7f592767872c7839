#include "logagent/delivery/window.hpp"

#include <cassert>

namespace logagent::delivery {

window::~window() {
    while (first_) {
        std::unique_ptr<run> gone{first_};
        first_ = first_->next;
    }
}

run& window::push(std::unique_ptr<run> added) {
    assert(added->begin == end());
    run* const pushed = added.release();
    pushed->next = nullptr;
    (last_ ? last_->next : first_) = pushed;
    last_ = pushed;
    ++unsent_;
    return *pushed;
}

void window::skip_to(std::uint64_t to) noexcept {
    assert(empty() && to >= committed_);
    committed_ = to;
}

run* window::next_unsent() const noexcept {
    // Nearly always zero, and an outage can leave thousands of small runs to look through.
    if (broken() || unsent_ == 0) return nullptr;
    for (run* at = first_; at; at = at->next)
        if (at->now == run::state::unsent) return at;
    return nullptr;
}

run* window::first_failed() const noexcept {
    for (run* at = first_; at; at = at->next)
        if (at->now == run::state::failed) return at;
    return nullptr;
}

void window::split(run& which, std::uint64_t at, std::uint32_t text_size) {
    assert(which.now == run::state::unsent && which.begin < at && at < which.end);
    auto rest = std::make_unique<run>();
    rest->owner = which.owner;
    rest->bytes = which.bytes;
    rest->text = which.text + text_size;
    rest->text_size = which.text_size - text_size;
    rest->begin = at;
    rest->end = which.end;
    rest->next = which.next;
    which.end = at;
    which.text_size = text_size;
    which.next = rest.release();
    if (last_ == &which) last_ = which.next;
    ++unsent_;
}

void window::sent(run& which, std::uint32_t records, std::uint32_t dead_letters, time_point now) {
    assert(which.now == run::state::unsent && which.pending == 0);
    which.now = run::state::sent;
    --unsent_;
    which.records = records;
    which.pending = records;
    which.buried = dead_letters;
    which.poisoned = false;
    which.sent_at = now;
    if (records > 0) ++outstanding_;
}

void window::unsend(run& which) {
    assert(which.now == run::state::sent && which.pending == which.records);
    if (which.pending > 0) --outstanding_;
    which.now = run::state::unsent;
    ++unsent_;
    which.pending = 0;
    which.records = 0;
    which.buried = 0;
}

bool window::delivered(run& which, std::uint32_t count) {
    assert(which.pending >= count);
    which.pending -= count;
    if (which.pending > 0) return false;
    --outstanding_;
    return true;
}

void window::failed(run& which, kafka::error code) {
    if (which.now != run::state::failed) {
        which.now = run::state::failed;
        which.code = code;
        ++failed_;
    }
    delivered(which, 1);
}

void window::abandon(run& which, kafka::error code) {
    if (which.pending <= which.buried) return;
    which.pending = which.buried + 1;
    failed(which, code);
}

std::unique_ptr<run> window::take_settled() {
    if (!first_ || first_->now != run::state::sent || first_->pending > 0) return nullptr;
    std::unique_ptr<run> settled{first_};
    first_ = first_->next;
    if (!first_) last_ = nullptr;
    committed_ = settled->end;
    return settled;
}

}  // namespace logagent::delivery

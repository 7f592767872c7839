#include "transfer/outbox.hpp"

#include <algorithm>

namespace logagent::transfer {

void outbox::add(item next, time_point now) {
    fresh_bytes_ += bytes_of(next);
    fresh_.push_back({std::move(next), now});
}

void outbox::again(batch what) {
    if (!what.items.empty()) again_.push_back(std::move(what));
}

std::optional<batch> outbox::take(limits most, time_point now) {
    most.records = std::max(most.records, 1U);
    const auto first = std::min_element(
        again_.begin(), again_.end(), [](const batch& a, const batch& b) { return a.due < b.due; });
    if (first != again_.end() && first->due <= now)
        return take_again(static_cast<std::size_t>(first - again_.begin()), most);
    if (fresh_.empty()) return std::nullopt;
    if (!full(most) && hurried_ == 0 && fresh_.front().came + age_ > now) return std::nullopt;
    return take_fresh(most);
}

batch outbox::take_fresh(limits most) {
    batch made;
    std::uint64_t bytes = 0;
    made.items.reserve(std::min<std::size_t>(most.records, fresh_.size()));
    while (!fresh_.empty() && made.items.size() < most.records) {
        const auto more = bytes_of(fresh_.front().what);
        if (!made.items.empty() && bytes + more > most.bytes) break;
        bytes += more;
        fresh_bytes_ -= more;
        if (hurried_ > 0) --hurried_;
        made.items.push_back(std::move(fresh_.front().what));
        fresh_.pop_front();
    }
    return made;
}

batch outbox::take_again(std::size_t at, limits most) {
    batch& from = again_[at];
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < from.items.size() && count < most.records; ++count) {
        bytes += bytes_of(from.items[count]);
        if (count > 0 && bytes > most.bytes) break;
    }
    batch made;
    made.attempts = from.attempts;
    made.waits_for_person = from.waits_for_person;
    if (count == from.items.size()) {
        made.items = std::move(from.items);
        again_.erase(again_.begin() + static_cast<std::ptrdiff_t>(at));
        return made;
    }
    const auto end = from.items.begin() + static_cast<std::ptrdiff_t>(count);
    made.items.assign(std::make_move_iterator(from.items.begin()), std::make_move_iterator(end));
    from.items.erase(from.items.begin(), end);
    return made;
}

outbox::time_point outbox::next(limits most) const {
    auto first = time_point::max();
    for (const batch& one : again_)
        first = std::min(first, one.due);
    if (fresh_.empty()) return first;
    if (hurried_ > 0 || full(most)) return time_point::min();
    return std::min(first, fresh_.front().came + age_);
}

void outbox::drop(lane in) {
    const auto hurried_end =
        fresh_.begin() + static_cast<std::ptrdiff_t>(std::min(hurried_, fresh_.size()));
    hurried_ -= static_cast<std::size_t>(std::count_if(
        fresh_.begin(), hurried_end, [&](const fresh_item& one) { return one.what.in == in; }));
    std::erase_if(fresh_, [&](const fresh_item& one) {
        if (one.what.in != in) return false;
        fresh_bytes_ -= bytes_of(one.what);
        return true;
    });
    for (batch& one : again_)
        std::erase_if(one.items, [&](const item& held) { return held.in == in; });
    std::erase_if(again_, [](const batch& one) { return one.items.empty(); });
}

bool outbox::waits_for_person() const {
    return std::any_of(again_.begin(), again_.end(),
                       [](const batch& one) { return one.waits_for_person; });
}

}  // namespace logagent::transfer

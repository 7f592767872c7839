#include "lane_book.hpp"

#include <algorithm>

#include "identity.hpp"

namespace logagent::transfer {

lane_state& lane_book::begin(lane_state first) {
    lanes_.push_back(std::make_unique<lane_state>(std::move(first)));
    return *lanes_.back();
}

void lane_book::end(lane number) {
    std::erase_if(lanes_, [&](const auto& one) { return one->number == number; });
    last_ = last_number_ = nullptr;
}

lane_state* lane_book::find(lane number) noexcept {
    if (last_number_ && last_number_->number == number) return last_number_;
    const auto found =
        std::lower_bound(lanes_.begin(), lanes_.end(), number,
                         [](const auto& one, lane wanted) { return one->number < wanted; });
    if (found == lanes_.end() || (*found)->number != number) return nullptr;
    return last_number_ = found->get();
}

lane_state* lane_book::find(std::string_view topic, std::int32_t partition) noexcept {
    const auto is = [&](const lane_state& one) {
        return one.partition.number == partition && one.partition.topic == topic;
    };
    if (last_ && is(*last_)) return last_;
    for (const auto& one : lanes_)
        if (is(*one)) return last_ = one.get();
    return nullptr;
}

lane_book::verdict lane_book::took(lane_state& in, std::int64_t offset, std::string_view key,
                                   std::uint32_t bytes, bool in_runs, time_point now,
                                   bool foreign) {
    if (!in.open) return verdict::closed;
    if (offset >= in.next && offset < in.acks.received_to()) return verdict::back;
    const auto id = identity_of(key);
    const bool repeated = foreign || (id && in.filter.repeats(offset, *id));
    if (offset < in.next) return verdict::old;
    if (!repeated) {
        in.acks.received(offset, bytes, now);
        return verdict::fresh;
    }
    if (in_runs) {
        in.acks.passed(offset);
    } else {
        in.acks.received(offset, bytes, now);
        in.acks.settled(offset);
    }
    return verdict::repeated;
}

std::vector<lane> lane_book::numbers() const {
    std::vector<lane> out;
    for (const auto& one : lanes_)
        out.push_back(one->number);
    return out;
}

std::size_t lane_book::pending() const noexcept {
    std::size_t sum = 0;
    for (const auto& one : lanes_)
        sum += one->acks.pending();
    return sum;
}

}  // namespace logagent::transfer

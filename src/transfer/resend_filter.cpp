#include "logagent/transfer/resend_filter.hpp"

#include <algorithm>

namespace logagent::transfer {

std::int64_t resend_filter::rebuild_from(std::int64_t offset) const noexcept {
    return std::max<std::int64_t>(0, (offset / block - blocks_) * block);
}

bool resend_filter::repeats(std::int64_t offset, const record_identity& id) {
    if (blocks_ == 0 || id.start >= id.end) return false;
    const std::int64_t current = offset / block;
    forget_before(current - blocks_);
    auto at = lives_.find(id.generation);
    if (at == lives_.end()) at = lives_.emplace(std::string{id.generation}, life{}).first;
    life& known = at->second;
    const bool repeated = id.start < known.most_end && covers(known, id.start, id.end);

    if (seen_.empty() || seen_.back().first != current) seen_.push_back({current, {}});
    auto& in_block = seen_.back().second;
    if (!known.ranges.empty() && known.ranges.back().in == current) {
        // Lines of one file follow each other: one range for all of them.
        range& last = known.ranges.back();
        if (last.end == id.start) {
            last.end = id.end;
            known.most_end = std::max(known.most_end, id.end);
            return repeated;
        }
    } else {
        in_block.push_back(at);
    }
    known.ranges.push_back({id.start, id.end, current});
    known.most_end = std::max(known.most_end, id.end);
    return repeated;
}

// Ranges overlap only where something was sent again, so this is short.
bool resend_filter::covers(const life& known, std::uint64_t start, std::uint64_t end) {
    while (start < end) {
        std::uint64_t to = start;
        for (const range& one : known.ranges)
            if (one.start <= start && one.end > to) to = one.end;
        if (to == start) return false;
        start = to;
    }
    return true;
}

void resend_filter::forget_before(std::int64_t first_block) {
    while (!seen_.empty() && seen_.front().first < first_block) {
        const std::int64_t gone = seen_.front().first;
        for (const auto at : seen_.front().second) {
            life& known = at->second;
            std::erase_if(known.ranges, [&](const range& one) { return one.in <= gone; });
            known.most_end = 0;
            for (const range& one : known.ranges)
                known.most_end = std::max(known.most_end, one.end);
            // One that has something in a later block is listed there, too.
            if (known.ranges.empty()) lives_.erase(at);
        }
        seen_.pop_front();
    }
}

std::size_t resend_filter::ranges() const noexcept {
    std::size_t sum = 0;
    for (const auto& [generation, known] : lives_)
        sum += known.ranges.size();
    return sum;
}

}  // namespace logagent::transfer

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "logagent/tail/overload.hpp"
#include "logagent/tail/tailer.hpp"

// How a tailer of a `live_first` target leaves a backlog behind and sends it later.
//
// It jumps to the end of the last whole line and remembers what it passed over as a hole. While
// nothing newer waits, a second tailer over the same file, the filler, reads the first hole and
// sends it with the tokens and the memory that are left. The filler is no reader of its own to the
// collector: its bytes, reports and wishes are those of the tailer whose hole it fills. A position
// is the settled ranges around the holes, and a hole only ever shrinks from its beginning.

namespace logagent::tail {

namespace {

using namespace std::chrono_literals;
using delivery::encoding;
using os_mode = os::file::read_mode;

constexpr std::uint64_t jump_block = 4096;
constexpr std::uint64_t jump_search = 65536;  // a last line longer than that is not jumped behind
constexpr auto jump_pause = 1s;
// In flight from a hole at most: new lines wait behind that much in the client's queue.
constexpr std::uint64_t most_filling = 1 << 20;

/// What to wait for when both are waited for.
wish sooner(const wish& own, const wish& back) {
    using what = wish::what;
    if (own.then == what::again || back.then == what::again) return {what::again};
    if (back.then == what::event) return own;
    if (own.then == what::event) return back;
    wish both = own.then == what::at ? back : own;
    if (own.then == what::at && back.then == what::at)
        both.when = std::min(own.when, back.when);
    else if (own.then == what::at)
        both.when = own.when;
    else if (back.then == what::at)
        both.when = back.when;
    return both;
}

}  // namespace

void tailer::take_holes(const checkpoint::position_record& from) {
    for (std::size_t at = 1; at < from.done.size(); ++at) {
        const auto begin = from.done[at - 1].end;
        holes_.push_back({begin, from.done[at].begin, committed_anchor_});
        // Without one nothing is compared, which is no reason to send anything twice.
        committed_anchor_ = at <= from.later_anchors.size()
                                ? from.later_anchors[at - 1]
                                : checkpoint::anchor{from.done[at].end, 0, 0};
    }
}

void tailer::put_ranges(checkpoint::position_record& into) const {
    std::uint64_t begin = 0;
    const auto put = [&](std::uint64_t end, const checkpoint::anchor& before) {
        into.done.push_back({begin, end});
        if (into.done.size() == 1)
            into.anchor = before;
        else
            into.later_anchors.push_back(before);
    };
    for (const gap& each : holes_) {
        put(each.begin, each.before);
        begin = each.end;
    }
    into.anchor = holes_.empty() ? committed_anchor_ : into.anchor;
    if (window_.committed() > 0) put(window_.committed(), committed_anchor_);
}

std::uint64_t tailer::hole_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const gap& each : holes_)
        bytes += each.end - each.begin;
    return bytes;
}

std::uint64_t tailer::unread() const noexcept {
    const std::uint64_t behind = size_ > window_.end() ? size_ - window_.end() : 0;
    return behind + hole_bytes() - (filler_ ? filler_->window_.in_flight() : 0);
}

std::uint64_t tailer::unsettled() const noexcept {
    return hole_bytes() + (size_ > window_.committed() ? size_ - window_.committed() : 0);
}

bool tailer::overloaded(const moment& now) {
    if (target_->target.overload != fleet::overload_policy::live_first || live_) return false;
    // What is packed grows no more, and what nobody completes is read to its end; both have no
    // newest lines. Before the first read the file is not known well enough.
    if (packed_ || accept_partial_ || cut_short_ || !learned_) return false;
    if (encoded() != encoding::bytes || now.steady < no_jump_before_) return false;
    if (!holes_.empty() && window_.committed() <= holes_.back().end) return false;
    grown();
    if (size_ <= window_.end()) return false;
    at_end_ = false;
    if (behind_since_ == time_point{}) behind_since_ = now.steady;
    pressure file;
    file.waiting_bytes = static_cast<double>(std::min(size_, readable_to_) - window_.end());
    const auto slower = [&](std::uint64_t bytes_per_s) {
        const auto rate = static_cast<double>(bytes_per_s);
        if (rate > 0 && (file.limit_bytes_per_s == 0 || rate < file.limit_bytes_per_s))
            file.limit_bytes_per_s = rate;
    };
    slower(limit_.bytes_per_second());
    slower(limit_.lines_per_second() * line_size_);
    slower(shared_.host_limit.rate());
    file.seen_bytes_per_s = rates(now.steady).second;
    file.behind_s = std::chrono::duration<double>(now.steady - behind_since_).count();
    file.holes = holes_.size();
    return must_jump(file);
}

wish tailer::jump(const moment& now) {
    // What is in flight would have to be a range of its own.
    if (!window_.empty()) return {};
    const std::uint64_t size = std::min(file_size(), readable_to_);
    std::uint64_t to = 0;
    look seen = find_line_end(size, to);
    // The place that is left must be known again, and so must the file that is jumped in.
    if (seen == look::same) seen = check_anchor(*file_, committed_anchor_, os_mode::cached);
    if (seen == look::same && generation_.identity.head_size > 0)
        seen = check_head(*file_, generation_.identity, os_mode::cached);
    if (seen == look::different) return {wish::what::replaced};
    if (seen == look::same && to > window_.end()) return pass_over(to, now);
    const bool waited = cold_since_ != time_point{} && now.steady - cold_since_ > 100ms;
    if (seen == look::cold && !waited) return cold(now, size - std::min(size, jump_search), 0);
    cold_since_ = {};
    no_jump_before_ = now.steady + jump_pause;
    return {wish::what::again};
}

/// `found` = behind the last line end in front of `size`; 0 = there is none near it.
look tailer::find_line_end(std::uint64_t size, std::uint64_t& found) {
    std::array<char, jump_block> block;
    const auto stop = std::max(window_.end(), size - std::min(size, jump_search));
    for (std::uint64_t end = size; end > stop;) {
        const auto begin = end - std::min<std::uint64_t>(jump_block, end - stop);
        const auto wanted = std::span{block}.first(static_cast<std::size_t>(end - begin));
        const auto got = file_->read({}, wanted, begin, os_mode::cached);
        if (got == -EAGAIN || got == -EINTR) return look::cold;
        if (got < 0) return look::failed;
        if (static_cast<std::size_t>(got) < wanted.size())
            return file_size() < end ? look::failed : look::cold;
        const auto at = std::string_view{wanted.data(), wanted.size()}.rfind('\n');
        if (at != std::string_view::npos) {
            found = begin + at + 1;
            return look::same;
        }
        end = begin;
    }
    return look::same;
}

wish tailer::pass_over(std::uint64_t to, const moment& now) {
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(anchor_bytes, to));
    std::array<char, anchor_bytes> before;
    const auto got = file_->read({}, std::span{before}.first(size), to - size, os_mode::cached);
    if (got != static_cast<std::int64_t>(size)) {
        no_jump_before_ = now.steady + jump_pause;
        return {wish::what::again};
    }
    holes_.push_back({window_.committed(), to, committed_anchor_});
    window_.skip_to(to);
    anchor_ = before;
    anchor_size_ = size;
    committed_anchor_ = {to, size, hash({anchor_.data(), size})};
    inside_ = false;
    held_.reset();
    stop_scanning();
    wanted_room_ = 0;
    cold_since_ = behind_since_ = drained_since_ = {};
    catching_up_ = false;
    dirty_ = true;
    return {wish::what::again};
}

wish tailer::fill(const moment& now, const wish& own) {
    if (own.then == wish::what::replaced) return own;
    if (filler_ && filler_->idle() && filler_->read_offset() == filler_->fills_to_) {
        throttled_ += filler_->throttled_seconds(now.steady);
        filler_.reset();
        return {wish::what::again};
    }
    const bool may = reading_ && may_fill_ && at_end_ && (!packed_ || read_whole_);
    if (!filler_ && may) begin_filling();
    if (!filler_) return own;
    const auto& budget = shared_.budget;
    const bool full =
        filler_->window_.in_flight() >= most_filling || budget.used() > budget.limit() / 2;
    const wish back = filler_->step_own(now, may && !full ? filler_->fills_to_ : 0);
    if (back.then == wish::what::replaced) return back;
    const bool waits = may && full && back.then == wish::what::event;
    return sooner(own, waits ? wish{wish::what::room} : back);
}

void tailer::begin_filling() {
    const gap& first = holes_.front();
    start from;
    from.generation = generation_;
    from.position.generation = generation_.id;
    from.position.topic = topic_->name();
    from.position.log_path = target_->target.log_path;
    from.position.partition = partition_;
    from.position.done.push_back({0, first.begin});
    from.position.size = first.end;
    from.position.anchor = first.before;
    from.recorded = true;
    from.unverified = true;
    from.packed = packed_;
    from.fills = this;
    filler_ = std::make_unique<tailer>(shared_, target_, path(), file_, std::move(from), limit_);
    filler_->fills_to_ = first.end;
}

void tailer::filled_to(std::uint64_t offset, const checkpoint::anchor& before) {
    gap& first = holes_.front();
    first.begin = offset;
    first.before = before;
    if (first.begin == first.end) holes_.erase(holes_.begin());
    dirty_ = true;
}

}  // namespace logagent::tail

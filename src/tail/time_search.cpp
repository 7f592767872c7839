#include "logagent/tail/time_search.hpp"

#include <algorithm>

#include "logagent/tail/line_scan.hpp"

namespace logagent::tail {

namespace {

constexpr std::uint64_t small_file = 1u << 20;  // is scanned as a whole
constexpr std::uint64_t samples = 64;
constexpr int lines_a_sample = 20;
constexpr std::size_t glance = 4096;               // bytes that a few lines take
constexpr std::uint64_t farthest_look = 1u << 20;  // for a line with a stamp behind an offset

class searcher {
public:
    searcher(const os::file& file, std::uint64_t end, const time_span& span,
             std::int64_t modified_ms)
        : file_{file}, end_{end}, span_{span}, clock_{modified_ms} {}

    time_finding everything() {
        judge(0, end_);
        out_.sorted = false;
        return finish();
    }

    time_finding search() {
        if (end_ <= small_file || !in_order()) return everything();
        const auto before = [&](std::int64_t ms) { return lower_bound(ms); };
        const std::uint64_t from = span_.since ? before(*span_.since - time_slack_ms) : 0;
        const std::uint64_t surely = span_.since ? before(*span_.since + time_slack_ms) : 0;
        const std::uint64_t still = span_.until ? before(*span_.until - time_slack_ms) : end_;
        const std::uint64_t to = span_.until ? before(*span_.until + time_slack_ms) : end_;
        if (surely < still) {
            judge(from, surely);
            select(surely, still);
            taken_ = true;
            judge(still, to);
        } else {
            judge(from, to);
        }
        return finish();
    }

private:
    struct stamped {
        std::uint64_t begin = 0;
        std::int64_t ms = 0;
    };

    time_finding finish() {
        out_.format = clock_.format();
        return std::move(out_);
    }

    void select(std::uint64_t begin, std::uint64_t end) {
        if (begin >= end) return;
        auto& ranges = out_.ranges;
        if (!ranges.empty() && ranges.back().end == begin)
            ranges.back().end = end;
        else
            ranges.push_back({begin, end});
    }

    /// Takes or leaves each line that begins in [begin, end).
    void judge(std::uint64_t begin, std::uint64_t end) {
        if (out_.error || begin >= end) return;
        out_.error = scan_lines(file_, begin, end, [&](const scanned_line& line) {
            const auto ms = clock_.read(line.front);
            if (ms) taken_ = span_.holds(*ms);
            if (!ms && clock_.format() == time_format::none)
                out_.unstamped = line.end;
            else if (taken_)
                select(line.begin, std::min(line.end, end_));
            return true;
        });
    }

    /// The first line with a stamp that begins at or behind `offset`.
    std::optional<stamped> look(std::uint64_t offset) {
        std::uint64_t begin = offset;
        if (offset > 0) out_.error = std::max(out_.error, line_end(file_, offset, end_, begin));
        std::optional<stamped> found;
        const auto limit = std::min(end_, begin + farthest_look);
        const int error = scan_lines(
            file_, begin, limit,
            [&](const scanned_line& line) {
                if (const auto ms = clock_.read(line.front)) found = stamped{line.begin, *ms};
                return !found;
            },
            glance);
        out_.error = std::max(out_.error, error);
        return found;
    }

    bool in_order() {
        std::int64_t latest = 0;  // no log is older than 1970
        for (std::uint64_t sample = 0; sample < samples; ++sample) {
            const auto first = look(end_ / samples * sample);
            if (out_.error) return false;
            if (!first) return false;
            int left = lines_a_sample;
            bool good = true;
            out_.error = scan_lines(
                file_, first->begin, end_,
                [&](const scanned_line& line) {
                    if (const auto ms = clock_.read(line.front)) {
                        // Half of the slack for what the samples do not show.
                        good = good && *ms >= latest - time_slack_ms / 2;
                        latest = std::max(latest, *ms);
                    }
                    return good && --left > 0;
                },
                glance);
            if (!good || out_.error) return false;
        }
        return true;
    }

    /// The offset of the first line whose stamp is not before `ms`; end_ where there is none.
    std::uint64_t lower_bound(std::int64_t ms) {
        std::uint64_t low = 0;
        std::uint64_t high = end_;
        std::uint64_t found = end_;
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            const auto line = look(middle);
            if (!line || line->ms >= ms) {
                if (line) found = line->begin;
                high = middle;
            } else {
                low = line->begin + 1;
            }
        }
        return found;
    }

    const os::file& file_;
    std::uint64_t end_;
    time_span span_;
    line_clock clock_;
    bool taken_ = false;  // the last line with a stamp was within the span
    time_finding out_;
};

}  // namespace

time_finding find_times(const os::file& file, std::uint64_t end, bool seekable,
                        const time_span& span, std::int64_t modified_ms) {
    searcher search{file, end, span, modified_ms};
    return seekable ? search.search() : search.everything();
}

}  // namespace logagent::tail

#include "logagent/tail/replay_plan.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "logagent/base/error.hpp"
#include "logagent/tail/line_scan.hpp"

namespace logagent::tail {

namespace {

// A file can hold older and younger stamps than its own times say: zones, clocks, late copies.
constexpr std::int64_t file_time_slack_ms = 86'400'000;

[[noreturn]] void refuse(const std::string& text) {
    throw replay_refusal{text};
}

void check(int error, const generation_file& file) {
    if (error == 0) return;
    if (error == EBADMSG) refuse(file.path + ": the packed data is damaged");
    if (error == ENODATA) refuse(file.path + ": the packed data is not complete");
    if (error == ENOTSUP) refuse(file.path + ": zstd with a window above 8 MiB cannot be read");
    refuse(file.path + ": " + base::describe_errno(error));
}

class planner {
public:
    planner(const replay_request& wanted, generation_listing found)
        : wanted_{wanted}, files_{std::move(found.files)} {
        out_.notes = std::move(found.notes);
    }

    replay_plan run() && {
        if (files_.empty()) refuse(nothing_found());
        if (wanted_.generation) keep_generation(*wanted_.generation);
        if (wanted_.from || wanted_.to) keep_bounded();
        std::visit([this](const auto& what) { plan(what); }, wanted_.what);
        for (auto& part : out_.parts)
            clip(part);
        std::erase_if(out_.parts, [](const replay_part& part) { return part.ranges.empty(); });
        for (auto& part : out_.parts) {
            check(derive_id(part.file, wanted_.path), part.file);
            for (const auto& range : part.ranges)
                part.bytes += range.end - range.begin;
            out_.bytes += part.bytes;
        }
        return std::move(out_);
    }

private:
    std::string nothing_found() const {
        std::string text = wanted_.path + ": there is no such file, nor a rotated one beside it";
        if (!out_.notes.empty()) text = out_.notes.back();
        return text;
    }

    void keep_generation(const checkpoint::generation_id& id) {
        for (auto& file : files_)
            check(derive_id(file, wanted_.path), file);
        std::erase_if(files_, [&](const generation_file& file) { return file.id != id; });
        if (files_.empty()) refuse(gone(id));
    }

    /// Takes away the generations before `from` and behind `to`.
    void keep_bounded() {
        for (auto& file : files_)
            check(derive_id(file, wanted_.path), file);
        if (wanted_.from) files_.erase(files_.begin(), find(wanted_.from->generation));
        if (wanted_.to) files_.erase(find(wanted_.to->generation) + 1, files_.end());
    }

    std::vector<generation_file>::iterator find(const checkpoint::generation_id& id) {
        const auto found = std::find_if(files_.begin(), files_.end(),
                                        [&](const auto& file) { return file.id == id; });
        if (found == files_.end()) refuse(gone(id));
        return found;
    }

    std::string gone(const checkpoint::generation_id& id) const {
        return "generation " + id.text() + " of " + wanted_.path +
               " is not in its directory any more";
    }

    void clip(replay_part& part) const {
        for (auto& range : part.ranges) {
            if (wanted_.from && part.file.id == wanted_.from->generation)
                range.begin = std::max(range.begin, wanted_.from->offset);
            if (wanted_.to && part.file.id == wanted_.to->generation)
                range.end = std::min(range.end, wanted_.to->offset);
        }
        std::erase_if(part.ranges, [](const auto& range) { return range.begin >= range.end; });
    }

    /// The end of what may be sent: a line without its end waits for it in the current file.
    std::uint64_t complete_end(generation_file& file) {
        check(measure(file), file);
        if (!file.current) return *file.size;
        std::uint64_t end = 0;
        check(line_start(*file.bytes, *file.size, end), file);
        return end;
    }

    void plan(const offset_range& what) {
        auto& file = files_.back();
        const std::uint64_t end = complete_end(file);
        if (what.begin >= end)
            refuse(file.path + ": has " + std::to_string(end) + " bytes of whole lines; offset " +
                   std::to_string(what.begin) + " is behind them");
        if (what.end && *what.end > *file.size)
            refuse(file.path + ": has " + std::to_string(*file.size) + " bytes; offset " +
                   std::to_string(*what.end) + " is behind them");
        checkpoint::range range{0, end};
        check(line_start(*file.bytes, what.begin, range.begin), file);
        if (what.end && *what.end < end)
            check(line_end(*file.bytes, *what.end, end, range.end), file);
        take(std::move(file), {range});
    }

    void plan(const last_bytes& what) {
        std::uint64_t left = what.count;
        if (wanted_.from) left = std::numeric_limits<std::uint64_t>::max();
        for (auto at = files_.rbegin(); at != files_.rend() && left > 0; ++at) {
            const std::uint64_t end = complete_end(*at);
            const auto size = std::min(left, end);
            checkpoint::range range{0, end};
            check(line_start(*at->bytes, end - size, range.begin), *at);
            left -= size;
            if (range.begin < range.end) take(std::move(*at), {range});
        }
        std::reverse(out_.parts.begin(), out_.parts.end());
        if (left > 0 && !wanted_.from)
            out_.notes.push_back("there are only " + std::to_string(what.count - left) +
                                 " bytes of " + wanted_.path + " left");
    }

    void plan(const time_span& span) {
        bool any_stamps = false;
        std::string without;
        for (auto& file : files_) {
            const std::int64_t modified_ms = file.status.modified / 1'000'000;
            const bool too_old = span.since && modified_ms + file_time_slack_ms < *span.since;
            // No such thing for files that seem too young: a copy, or an import, has lines that are
            // older than everything the file system knows of it.
            if (too_old) continue;
            const bool seekable = file.packed == os::compression::none;
            // A packed file is unpacked once for its times; its size comes with that.
            constexpr auto all = std::numeric_limits<std::uint64_t>::max();
            const std::uint64_t end = seekable ? complete_end(file) : all;
            if (end == 0) continue;
            auto found = find_times(*file.bytes, end, seekable, span, modified_ms);
            check(found.error, file);
            rest(file);
            if (found.format == time_format::none) {
                without = file.path;
                out_.notes.push_back(file.path + ": its lines carry no time stamp; left out");
                continue;
            }
            any_stamps = true;
            take(std::move(file), std::move(found.ranges));
            out_.parts.back().stamps = found.format;
        }
        if (!any_stamps && !without.empty())
            refuse(without +
                   ": its lines carry no time stamp that is known; use --offset or "
                   "--last");
    }

    /// Widens ranges until they begin and end where records do.
    void widen(const generation_file& file, std::vector<checkpoint::range>& ranges) {
        if (!wanted_.begins_record) return;
        std::vector<checkpoint::range> wider;
        for (auto range : ranges) {
            range.begin = record_start(file, range.begin);
            range.end = record_end(file, range.end);
            if (!wider.empty() && range.begin <= wider.back().end)
                wider.back().end = std::max(wider.back().end, range.end);
            else
                wider.push_back(range);
        }
        ranges = std::move(wider);
    }

    bool begins_record_at(const generation_file& file, std::uint64_t offset) {
        std::array<char, 512> front;
        const auto got = read_whole(*file.bytes, front, offset);
        check(got < 0 ? static_cast<int>(-got) : 0, file);
        const std::string_view text{front.data(), static_cast<std::size_t>(got)};
        return wanted_.begins_record(text.substr(0, text.find('\n')));
    }

    std::uint64_t record_start(const generation_file& file, std::uint64_t offset) {
        while (offset > 0 && !begins_record_at(file, offset))
            check(line_start(*file.bytes, offset - 1, offset), file);
        return offset;
    }

    /// The first beginning of a record at or behind `offset`; the end of the file where there is
    /// none.
    std::uint64_t record_end(const generation_file& file, std::uint64_t offset) {
        constexpr auto all = std::numeric_limits<std::uint64_t>::max();
        const int error = scan_lines(*file.bytes, offset, all, [&](const scanned_line& line) {
            if (wanted_.begins_record(line.front)) return false;
            if (line.terminated || !file.current) offset = line.end;
            return true;
        });
        check(error, file);
        return offset;
    }

    void take(generation_file file, std::vector<checkpoint::range> ranges) {
        widen(file, ranges);
        replay_part part;
        part.file = std::move(file);
        part.ranges = std::move(ranges);
        out_.parts.push_back(std::move(part));
    }

    const replay_request& wanted_;
    std::vector<generation_file> files_;
    replay_plan out_;
};

}  // namespace

replay_plan make_replay_plan(const replay_request& wanted, generation_listing found) {
    return planner{wanted, std::move(found)}.run();
}

}  // namespace logagent::tail

#include <algorithm>
#include <boost/json/array.hpp>

#include "cli/json_text.hpp"
#include "cli/status_text.hpp"
#include "cli/text_table.hpp"

namespace logagent::cli {

namespace {

struct byte_class_text {
    std::string_view name;
    std::string_view meaning;
};

// Where a byte of a log file can be, in the order of its way.
constexpr byte_class_text classes[] = {
    {"unread", "in a file, not read yet"},
    {"in_flight", "read, not acknowledged by Kafka yet"},
    {"acked", "acknowledged by Kafka"},
    {"blank", "lines without text (skip_blank)"},
    {"filtered", "lines that keep or drop left out"},
    {"skipped_at_start", "was there before the target (start: end)"},
    {"cut", "ends of lines that were too long"},
    {"dead_letter", "lines that went to the dead letter topic"},
    {"truncated_away", "lost: truncated before it was read"},
    {"abandoned", "lost: given up, held_deleted_bytes was exceeded"},
    {"vanished", "lost: the file is gone and was not found again"},
    {"stopped", "gone after its target had been stopped"},
};

std::string range_text(const json::value& loss) {
    return text_of(loss, "begin") + "-" + text_of(loss, "end");
}

/// The seconds of "2026-03-04T05:06:07.089Z" are enough.
std::string time_text(const std::string& utc) {
    return utc.size() == 24 ? utc.substr(0, 19) + "Z" : utc;
}

}  // namespace

std::string render_ledger(const json::value& document, std::size_t width) {
    const auto* sums = member(&document, "ledger");
    text_table table{{{"BYTES", true}, {"", true}, {"CLASS"}, {"MEANING"}}};
    for (const auto& [name, meaning] : classes)
        table.add({text_of(member(sums, name)), bytes_text(number_of(member(sums, name))),
                   std::string{name}, std::string{meaning}});
    std::string out = text_of(document, "host") +
                      ": every byte of its files since the state was "
                      "made, line ends included\n\n" +
                      table.render();

    const auto& losses = array_of(member(&document, "losses"));
    if (losses.empty()) return out + "\nnothing was lost, cut or sent to a dead letter topic\n";
    text_table list{
        {{"LAST AT"}, {"CLASS"}, {"BYTES", true}, {"PATH"}, {"TOPIC"}, {"RANGE"}, {"REASON"}}};
    constexpr std::size_t path_column = 3, reason_column = 6, least = 24;
    for (const auto& loss : losses)
        list.add({time_text(text_of(loss, "at")), text_of(loss, "class"), text_of(loss, "bytes"),
                  text_of(loss, "path"), text_of(loss, "topic"), range_text(loss),
                  text_of(loss, "reason")});
    if (width > 0) {
        std::size_t others = 2 * reason_column;
        for (std::size_t at = 0; at < reason_column; ++at)
            if (at != path_column) others += list.width(at);
        const auto room = width > others + least ? width - others - least : 0;
        for (auto& row : list.rows())
            row[path_column] = shorten_middle(row[path_column], std::max(room, least));
        others += list.width(path_column);
        for (auto& row : list.rows())
            row[reason_column] = shorten_end(row[reason_column],
                                             std::max(width > others ? width - others : 0, least));
    }
    return out + "\n" + list.render();
}

}  // namespace logagent::cli

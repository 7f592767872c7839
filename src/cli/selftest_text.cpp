#include "cli/selftest_text.hpp"

#include <array>
#include <cstdio>

#include "cli/text_table.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

namespace {

using selftest::rotation;
using selftest::tally;

std::string line_count(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " line" : " lines");
}

std::string times(std::uint64_t count) {
    return count == 1 ? "once" : std::to_string(count) + " times";
}

std::string seconds(std::chrono::milliseconds time) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(time.count()) / 1000);
    return text.data();
}

void add_counts(text_table& table, const selftest::verdict& verdict, const char* title,
                std::uint64_t tally::*what) {
    std::vector<std::string> cells{title, std::to_string(verdict.sum.*what)};
    for (const auto& writer : verdict.writers)
        cells.push_back(std::to_string(writer.*what));
    table.add(std::move(cells));
}

std::string counts_table(const selftest::result& done) {
    std::vector<text_table::column> columns{{"lines"}, {"all", true}};
    for (std::uint32_t kind = 0; kind < selftest::rotation_kinds; ++kind)
        columns.push_back({selftest::name_of(static_cast<rotation>(kind)), true});
    text_table table{std::move(columns)};
    const auto& verdict = done.verdict;
    add_counts(table, verdict, "written", &tally::written);
    add_counts(table, verdict, "delivered", &tally::delivered);
    add_counts(table, verdict, "again, after a kill", &tally::after_kill);
    add_counts(table, verdict, "again, after an outage", &tally::after_outage);
    add_counts(table, verdict, "again, other id", &tally::other_id);
    add_counts(table, verdict, "again, otherwise", &tally::otherwise);
    add_counts(table, verdict, "not collectable", &tally::cut);
    add_counts(table, verdict, "lost", &tally::lost);
    std::vector<std::string> torn{"torn", std::to_string(verdict.torn)};
    std::vector<std::string> rotations{"rotations", {}};
    std::uint64_t all = 0;
    for (const auto count : done.rotations) {
        torn.emplace_back();
        rotations.push_back(std::to_string(count));
        all += count;
    }
    rotations[1] = std::to_string(all);
    table.add(std::move(torn));
    table.add(std::move(rotations));
    return table.render();
}

std::string events(const selftest::result& done) {
    std::string out = "The agent was killed " + times(done.kills);
    if (done.kills > 0)
        out += ", and lines flowed again after " + seconds(done.slowest_return) + " at most";
    out += done.embedded ? "; the broker went away " + times(done.outages) + ".\n" : ".\n";
    if (done.verdict.sum.cut > 0)
        out +=
            "Not collectable: written between copytruncate's copy and its truncation; nobody "
            "can have them.\n";
    if (done.verdict.sum.other_id > 0)
        out +=
            "Other id: under another generation than the first time; whoever drops copies by id "
            "keeps "
            "these.\n";
    for (const auto& note : done.notes)
        out += "Note: " + base::visible(note, 400) + ".\n";
    return out;
}

std::string findings(const selftest::verdict& verdict) {
    std::string out;
    for (const auto& range : verdict.lost)
        out += "  lost: " + line_count(range.last - range.first + 1) + " of \"" +
               std::string{selftest::name_of(static_cast<rotation>(range.writer))} + "\", " +
               std::to_string(range.first) + " to " + std::to_string(range.last) + ", bytes " +
               std::to_string(range.start) + " to " + std::to_string(range.end) + " of file no. " +
               std::to_string(range.life) + "\n";
    for (const auto& text : verdict.other_ids)
        out += "  other id: " + text + "\n";
    for (const auto& text : verdict.torn_text)
        out += "  torn: " + text + "\n";
    return out;
}

}  // namespace

std::string selftest_heading(const selftest::options& chosen, const std::string& directory,
                             const std::string& brokers) {
    const bool embedded = chosen.kafka.brokers.empty();
    std::string out = "Four writers in " + base::visible(directory, 300) +
                      ", each rotated in its own way;\nthe agent that collects them is killed";
    out += embedded ? ", and the embedded broker goes away,\n" : ",\n";
    out += "now and then, for " + std::to_string(chosen.length.count()) + " s.";
    if (!embedded) out += " Kafka: " + base::visible(brokers, 200) + ".";
    return out +
           "\n\n   s    written  delivered  on its way     again  rotations  kills  outages\n";
}

std::string selftest_row(const selftest::progress& now) {
    std::array<char, 160> text;
    const auto number = [](auto value) { return static_cast<unsigned long long>(value); };
    std::snprintf(text.data(), text.size(), "%4llu %10llu %10llu %11llu %9llu %10llu %6llu %8llu",
                  number(now.at.count()), number(now.sum.written), number(now.sum.delivered),
                  number(now.missing), number(now.sum.again()), number(now.rotations),
                  number(now.kills), number(now.outages));
    std::string out = text.data();
    if (!now.agent_up && !now.draining) out += "  agent dead";
    if (!now.broker_up) out += "  broker away";
    if (now.draining && now.missing > 0) out += "  waiting for the rest";
    return out;
}

std::string selftest_verdict(const selftest::result& done, const std::string& directory) {
    std::string out = "\n" + counts_table(done) + "\n" + events(done);
    if (done.interrupted) out += "Ended early, as asked.\n";
    out += "\n" + findings(done.verdict);
    if (!done.failure.empty()) out += "failed: " + base::visible(done.failure, 400) + "\n";
    const auto& sum = done.verdict.sum;
    if (done.good())
        out += "verdict: good. Of " + line_count(sum.written) + " none is lost and none is torn.\n";
    else if (!done.failure.empty() && done.verdict.torn == 0)
        out += "verdict: none. The test could not be finished; " + line_count(sum.lost) +
               " had not arrived by then.\n";
    else
        out += "verdict: BAD. " + line_count(sum.lost) + " lost, " +
               std::to_string(done.verdict.torn) + " torn.\n";
    if (!done.kept.empty())
        out += "Everything is kept in " + base::visible(done.kept, 300) +
               ": logs, state, agent.log.\n";
    else
        out += "Nothing is left in " + base::visible(directory, 300) + ".\n";
    return out;
}

}  // namespace logagent::cli

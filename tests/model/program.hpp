#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::test {

/// What can happen to a host. Every step can be taken at any moment: one that makes no sense there
/// does nothing, so a program stays one when steps are left out.
enum class act : std::uint8_t {
    // writers and whoever rotates for them
    write,
    write_many,
    write_half,
    write_blank,
    write_long,
    rotate,
    rotate_late,
    reopen,
    rotate_dated,
    replace,
    recreate,
    remove,
    truncate,
    copytruncate,
    copy,
    hole,
    compress,
    // the agent
    turn,
    report,
    settle,
    pass,
    pass_long,
    lose_events,
    overflow,
    start,
    stop,
    kill,
    power_cut,
    end_within,
    hold_less,
    state_fails,
    state_works,
    // the cluster
    cluster,
    fail,
    fail_stored,
    poison,
    leader,
    topic,
    fatal,
    careful_fatal,
    refuse,
    // the configuration
    target,
    rate,
    other_topic,
    spread,
    shape,
    live_first,
    count
};

/// `a` chooses (which log, which variant), `b` says how much.
struct step {
    act what = act::settle;
    std::uint8_t a = 0;
    std::uint16_t b = 0;
    bool operator==(const step&) const = default;
};
using program = std::vector<step>;

std::string_view name(act what);
/// As it stands in a named test.
std::ostream& operator<<(std::ostream& out, const step& shown);

/// Runs it, heals everything, waits until nothing moves, and checks. Throws broken_promise.
void run(const program& steps);

}  // namespace logagent::test

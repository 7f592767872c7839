// Programs that found a defect once, reduced to what was needed.
#include <cstdlib>

#include "logagent/base/log.hpp"
#include "program.hpp"
#include "support/test.hpp"

namespace logagent::test {
namespace {

void check(const program& steps) {
    base::set_log_level(std::getenv("MODEL_LOG") ? base::log_level::trace : base::log_level::error);
    CHECK_NOTHROW(run(steps));
}

TEST_CASE("a refused line behind a blank one is buried alone", "[programs]") {
    check({{act::write_blank, 1, 0}, {act::write, 1, 0}, {act::poison, 1, 0}, {act::start, 0, 0}});
}

TEST_CASE("a file that is begun at its end begins with a whole line", "[programs]") {
    check({{act::write_half, 1, 0}, {act::start, 0, 0}, {act::write, 1, 0}});
}

TEST_CASE("what is written between a truncation and a rotation is read", "[programs]") {
    const auto away = GENERATE(act::recreate, act::rotate, act::replace);
    check({{act::write_many, 0, 0},
           {act::start, 0, 0},
           {act::truncate, 0, 0},
           {act::write, 0, 0},
           {away, 0, 0}});
}

TEST_CASE("what is written between a truncation and a rotation during a stop is read",
          "[programs]") {
    check({{act::write_many, 0, 0},
           {act::start, 0, 0},
           {act::stop, 0, 0},
           {act::truncate, 0, 0},
           {act::write, 0, 0},
           {act::rotate, 0, 0}});
}

TEST_CASE("a file that was rotated just before a changed configuration is found", "[programs]") {
    check({{act::start, 0, 0}, {act::write_many, 1, 0}, {act::rotate_late, 1, 0}});
}

TEST_CASE("an edited topic takes over generations that were rotated and not finished",
          "[programs]") {
    check({{act::write, 0, 0},
           {act::start, 0, 0},
           {act::write, 0, 0},
           {act::rotate_dated, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a file that is older than its target is read from 0 after a truncation", "[programs]") {
    check({{act::write_blank, 1, 0},
           {act::start, 0, 0},
           {act::truncate, 1, 0},
           {act::write_many, 1, 0}});
}

TEST_CASE("a target that is stopped with a failed record holds no budget", "[programs]") {
    check({{act::write_many, 0, 0},
           {act::poison, 0, 0},
           {act::start, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a file that is rewritten before its first read is another generation", "[programs]") {
    check({{act::topic, 0, 0},
           {act::write, 0, 0},
           {act::start, 0, 0},
           {act::truncate, 0, 0},
           {act::write_many, 0, 0}});
}

TEST_CASE("a truncated file does not wait for a copy that is shorter than its new content",
          "[programs]") {
    check({{act::write_half, 0, 0},
           {act::start, 0, 0},
           {act::copytruncate, 0, 0},
           {act::write_many, 0, 0}});
}

TEST_CASE("a copy is read once though its generation went to two topics", "[programs]") {
    check({{act::write, 0, 0},
           {act::start, 0, 0},
           {act::other_topic, 0, 0},
           {act::write_many, 0, 0},
           {act::copytruncate, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a generation that was empty at a stop has a name before its first line is sent",
          "[programs]") {
    check({{act::write_many, 0, 0},
           {act::start, 0, 0},
           {act::remove, 0, 0},
           {act::pass_long, 0, 0},
           {act::stop, 0, 0},
           {act::write_many, 0, 0},
           {act::start, 0, 0},
           {act::copytruncate, 0, 0},
           {act::kill, 0, 0}});
}

TEST_CASE("new content that is moved away or stopped right after a truncation is read",
          "[programs]") {
    check({{act::write, 0, 0},
           {act::start, 0, 0},
           {act::copytruncate, 0, 0},
           {act::write, 0, 0},
           {act::turn, 0, 2},
           {act::rotate, 0, 0}});
    check({{act::write_many, 1, 0},
           {act::start, 0, 0},
           {act::copytruncate, 3, 0},
           {act::turn, 0, 2},
           {act::target, 3, 0},
           {act::write, 3, 0}});
}

TEST_CASE("a rotated life that begins like the one before it is no copy of it", "[programs]") {
    check({{act::write_blank, 7, 0},
           {act::start, 0, 0},
           {act::recreate, 7, 0},
           {act::write_blank, 3, 0},
           {act::write_half, 7, 0},
           {act::rotate_dated, 3, 0}});
}

TEST_CASE("files that wait for room wake up when a stopped target gives it back", "[programs]") {
    check({{act::fail, 0, 0},
           {act::write_half, 7, 0},
           {act::start, 0, 0},
           {act::recreate, 3, 0},
           {act::settle, 0, 0},
           {act::write_many, 1, 357},
           {act::turn, 0, 0},
           {act::target, 3, 0},
           {act::rotate, 1, 0}});
}

TEST_CASE("a generation that goes on in a copy is sent before what came to its file later",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::cluster, 0, 0},
           {act::write, 7, 0},
           {act::turn, 0, 1},
           {act::stop, 0, 0},
           {act::write_many, 3, 0},
           {act::copytruncate, 3, 0},
           {act::write, 3, 0},
           {act::start, 0, 0},
           {act::rotate_late, 1, 0},
           {act::stop, 0, 0}});
}

TEST_CASE("a target that returns sends nothing before its former lines are answered",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::fail_stored, 4, 0},
           {act::write, 0, 1},
           {act::settle, 0, 0},
           {act::leader, 3, 0},
           {act::rate, 0, 0},
           {act::target, 0, 0}});
}

TEST_CASE("after a power cut a target that starts at the end leaves out what was half sent again",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::write_many, 1, 0},
           {act::fail_stored, 0, 0},
           {act::settle, 0, 0},
           {act::cluster, 0, 0},
           {act::target, 0, 0},
           {act::power_cut, 0, 1}});
}

TEST_CASE("a copy of which only a blank beginning was known may be sent as another generation",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::write_blank, 3, 0},
           {act::settle, 0, 0},
           {act::stop, 0, 0},
           {act::write, 1, 0},
           {act::start, 0, 0},
           {act::kill, 0, 0},
           {act::copytruncate, 1, 0}});
}

TEST_CASE("what is not finished in a compressed file goes on after one more crash", "[programs]") {
    check({{act::start, 0, 0},
           {act::write, 7, 0},
           {act::turn, 0, 1},
           {act::topic, 0, 0},
           {act::rotate_late, 3, 0},
           {act::kill, 0, 0},
           {act::compress, 3, 0},
           {act::start, 0, 0},
           {act::kill, 0, 0}});
}

TEST_CASE("an edited topic takes over generations that were compressed and not finished",
          "[programs]") {
    check({{act::write, 0, 0},
           {act::start, 0, 0},
           {act::write, 0, 0},
           {act::rotate, 0, 0},
           {act::compress, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a compressed file is sent before what came to its path later", "[programs]") {
    check({{act::write, 3, 0},
           {act::start, 0, 0},
           {act::write_many, 3, 0},
           {act::rotate_late, 3, 0},
           {act::compress, 3, 0},
           {act::write, 1, 0},
           {act::stop, 0, 0},
           {act::rotate_late, 3, 0}});
    check({{act::write, 0, 0},
           {act::start, 0, 0},
           {act::target, 0, 0},
           {act::rotate_late, 0, 0},
           {act::write, 0, 0},
           {act::compress, 0, 0},
           {act::write, 0, 0}});
}

TEST_CASE("a target that is stopped holds no deleted file open", "[programs]") {
    check({{act::start, 0, 0},
           {act::cluster, 0, 0},
           {act::write, 0, 0},
           {act::settle, 0, 0},
           {act::target, 0, 0},
           {act::remove, 0, 0},
           {act::target, 0, 0},
           {act::write_half, 0, 0}});
}

TEST_CASE("what had failed of a file is sent again though the file was truncated meanwhile",
          "[programs]") {
    check({{act::refuse, 0, 0}, {act::write, 0, 0}, {act::start, 0, 0}, {act::copytruncate, 0, 0}});
}

TEST_CASE("names that a killed process made are brought to the disk by the next one",
          "[programs]") {
    check({{act::write, 3, 0},
           {act::start, 0, 0},
           {act::stop, 0, 0},
           {act::write, 0, 0},
           {act::rotate_late, 0, 0},
           {act::start, 0, 0},
           {act::end_within, 0, 347},
           {act::write, 0, 0},
           {act::pass_long, 0, 3},
           {act::start, 0, 0},
           {act::write_many, 0, 0},
           {act::pass_long, 0, 0},
           {act::power_cut, 0, 0}});
}

TEST_CASE("what a truncated file holds later is not lost with its former content", "[programs]") {
    check({{act::cluster, 0, 0},
           {act::write, 1, 0},
           {act::start, 0, 0},
           {act::copytruncate, 3, 0},
           {act::remove, 3, 0},
           {act::write_many, 3, 0},
           {act::lose_events, 0, 0}});
}

TEST_CASE("what was seen and not read before a stop is in the ledger when it is gone after it",
          "[programs]") {
    check({{act::cluster, 0, 0},
           {act::target, 0, 0},
           {act::write, 0, 0},
           {act::start, 0, 0},
           {act::target, 0, 0},
           {act::write, 0, 0},
           {act::pass, 0, 0},
           {act::truncate, 0, 0},
           {act::stop, 0, 0}});
}

TEST_CASE("what was truncated and moved away while nobody looked is in the ledger", "[programs]") {
    check({{act::start, 0, 0},
           {act::cluster, 0, 0},
           {act::stop, 0, 0},
           {act::write, 1, 0},
           {act::start, 0, 0},
           {act::kill, 0, 0},
           {act::truncate, 1, 0},
           {act::rotate_dated, 7, 0}});
}

TEST_CASE("lines that were sent together are lost together when their target is stopped",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::fail, 0, 111},
           {act::write, 0, 1},
           {act::pass, 0, 0},
           {act::recreate, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a copy is read though its target was stopped when its lines had failed", "[programs]") {
    check({{act::start, 0, 0},
           {act::topic, 0, 0},
           {act::write_many, 3, 0},
           {act::turn, 0, 1},
           {act::copytruncate, 3, 0},
           {act::write_many, 7, 0},
           {act::other_topic, 0, 0},
           {act::target, 7, 0}});
    check({{act::start, 0, 0},
           {act::topic, 0, 0},
           {act::write_many, 3, 0},
           {act::turn, 0, 1},
           {act::copytruncate, 3, 0},
           {act::rotate_late, 3, 0},
           {act::write_many, 7, 0},
           {act::other_topic, 0, 0},
           {act::target, 7, 0}});
}

TEST_CASE("a copy of which a blank line was known is another generation and its blank line is lost",
          "[programs]") {
    check({{act::leader, 3, 0},
           {act::write_blank, 0, 0},
           {act::start, 0, 0},
           {act::target, 0, 0},
           {act::write, 0, 0},
           {act::copytruncate, 0, 0}});
}

TEST_CASE("a copy is sent before what came later though its file was truncated and moved away",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::write, 1, 0},
           {act::turn, 0, 1},
           {act::write_many, 3, 0},
           {act::stop, 0, 0},
           {act::copytruncate, 1, 0},
           {act::rotate, 1, 0},
           {act::write, 1, 0}});
}

TEST_CASE("a line that was cut and then refused is a dead letter as a whole", "[programs]") {
    check({{act::shape, 0, 4}, {act::write_many, 0, 0}, {act::poison, 0, 0}});
}

TEST_CASE("what comes late into a file that was truncated and moved away is read", "[programs]") {
    check({{act::write, 1, 0},
           {act::start, 0, 0},
           {act::other_topic, 3, 0},
           {act::copytruncate, 3, 0},
           {act::rotate_late, 3, 0},
           {act::other_topic, 7, 0},
           {act::write_long, 3, 0}});
}

TEST_CASE("an edited topic takes over the copy of a file that was truncated meanwhile",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::rate, 0, 1},
           {act::other_topic, 0, 0},
           {act::write, 0, 1},
           {act::pass, 0, 0},
           {act::copytruncate, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a returning target sends dead letters again that were on their way", "[programs]") {
    check({{act::shape, 1, 6},
           {act::start, 0, 0},
           {act::write_long, 1, 0},
           {act::settle, 0, 0},
           {act::target, 7, 0}});
}

TEST_CASE("a compressed file that only begins with the same blank line is no copy", "[programs]") {
    check({{act::write_blank, 0, 0},
           {act::write_many, 0, 0},
           {act::start, 0, 0},
           {act::rotate, 0, 0},
           {act::end_within, 0, 85},
           {act::write_blank, 0, 0},
           {act::other_topic, 0, 0},
           {act::compress, 0, 0},
           {act::remove, 0, 0}});
}

TEST_CASE("the pieces of a split line that were not read before a truncation are in the ledger",
          "[programs]") {
    check({{act::shape, 0, 5},
           {act::start, 0, 0},
           {act::write_long, 0, 0},
           {act::fail, 0, 0},
           {act::other_topic, 0, 0},
           {act::truncate, 0, 0}});
}

TEST_CASE("a deleted file of which nothing was sent may be given up", "[programs]") {
    check({{act::cluster, 0, 0},
           {act::write_blank, 0, 0},
           {act::hold_less, 0, 0},
           {act::rotate_dated, 0, 0},
           {act::start, 0, 0},
           {act::write_long, 0, 0},
           {act::overflow, 0, 0},
           {act::replace, 0, 0}});
}

TEST_CASE("a hole does not wait for a new file in which nothing is written", "[programs]") {
    check({{act::start, 0, 0},
           {act::live_first, 3, 1},
           {act::write_half, 3, 0},
           {act::write_many, 3, 0},
           {act::rotate_dated, 3, 0},
           {act::pass, 0, 0}});
}

TEST_CASE("newest lines do not wait for a compressed file, nor what was deleted", "[programs]") {
    check({{act::start, 0, 0},
           {act::write_half, 1, 0},
           {act::settle, 0, 0},
           {act::copytruncate, 3, 0},
           {act::compress, 3, 0},
           {act::recreate, 3, 0},
           {act::live_first, 3, 0},
           {act::write_half, 3, 0}});
}

TEST_CASE("a listing of a directory is not older than the events that were lost", "[programs]") {
    check({{act::shape, 0, 0},
           {act::shape, 1, 0},
           {act::start, 0, 0},
           {act::write_half, 0, 0},
           {act::rotate, 0, 0},
           {act::overflow, 0, 0},
           {act::pass, 0, 0}});
}

TEST_CASE("a stopped target that returns knows the copy of a file that was deleted", "[programs]") {
    check({{act::start, 0, 0},
           {act::write_many, 1, 0},
           {act::settle, 0, 0},
           {act::copytruncate, 3, 0},
           {act::target, 3, 0},
           {act::remove, 3, 0},
           {act::pass_long, 0, 40},
           {act::pass_long, 0, 284}});
}

TEST_CASE("what is gone of a file that was recorded empty is in the ledger after a power cut",
          "[programs]") {
    check({{act::leader, 3, 0},
           {act::write, 0, 0},
           {act::recreate, 0, 0},
           {act::start, 0, 0},
           {act::write, 0, 0},
           {act::pass_long, 0, 0},
           {act::other_topic, 0, 0},
           {act::power_cut, 0, 0},
           {act::truncate, 0, 0},
           {act::other_topic, 0, 0}});
}

TEST_CASE("a truncation that a changed target comes upon is in the ledger", "[programs]") {
    check({{act::start, 0, 0},
           {act::write_many, 3, 0},
           {act::cluster, 0, 0},
           {act::settle, 0, 0},
           {act::truncate, 7, 0},
           {act::target, 3, 0},
           {act::target, 3, 0}});
}

TEST_CASE("the copy of a truncated log is read before what was rotated behind it", "[programs]") {
    check({{act::start, 0, 0},
           {act::write, 3, 0},
           {act::settle, 0, 0},
           {act::power_cut, 0, 222},
           {act::write_many, 3, 0},
           {act::copytruncate, 3, 0},
           {act::write_many, 3, 0},
           {act::rotate, 1, 0}});
}

TEST_CASE("what there is no room to hold is read from its compressed copy", "[programs]") {
    check({{act::start, 0, 0},
           {act::cluster, 0, 0},
           {act::hold_less, 0, 0},
           {act::write, 0, 0},
           {act::pass, 0, 0},
           {act::kill, 0, 0},
           {act::start, 0, 0},
           {act::rotate, 0, 0},
           {act::compress, 0, 0},
           {act::pass_long, 0, 27}});
}

TEST_CASE("an empty file between two others does not hold the younger one up", "[programs]") {
    check({{act::write_many, 1, 0},
           {act::start, 0, 0},
           {act::copytruncate, 3, 0},
           {act::rotate, 7, 0},
           {act::target, 0, 0},
           {act::write_long, 3, 0},
           {act::other_topic, 0, 0},
           {act::target, 1, 0},
           {act::copytruncate, 3, 0},
           {act::write, 3, 0},
           {act::rotate_late, 7, 0}});
}

TEST_CASE("a hole is filled when an empty file was rotated behind it", "[programs]") {
    check({{act::start, 0, 0},
           {act::live_first, 0, 1},
           {act::write, 0, 0},
           {act::kill, 0, 0},
           {act::write_many, 0, 0},
           {act::rotate, 0, 0},
           {act::start, 0, 0},
           {act::remove, 0, 0},
           {act::compress, 0, 0},
           {act::write, 0, 0}});
}

TEST_CASE("a rotated file that is shorter than it was known to be is another one", "[programs]") {
    check({{act::write_half, 1, 0},
           {act::start, 0, 0},
           {act::cluster, 0, 0},
           {act::remove, 3, 0},
           {act::pass_long, 0, 2},
           {act::write, 1, 2},
           {act::end_within, 0, 85},
           {act::pass, 0, 0},
           {act::copytruncate, 3, 0},
           {act::write_half, 1, 0},
           {act::write, 0, 0},
           {act::spread, 0, 0},
           {act::rotate_dated, 3, 0}});
}

TEST_CASE("a file that is truncated while it waits behind a hole does not hold up the hole",
          "[programs]") {
    check({{act::start, 0, 0},
           {act::live_first, 3, 1},
           {act::write_many, 1, 1},
           {act::write_many, 3, 0},
           {act::kill, 0, 0},
           {act::rotate, 3, 0},
           {act::replace, 3, 0},
           {act::start, 0, 0},
           {act::truncate, 3, 0},
           {act::rotate, 3, 0}});
}

}  // namespace
}  // namespace logagent::test

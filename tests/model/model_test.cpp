// Random programs of what happens to log files, hosts, brokers and configurations, run against the
// agent's real data path and judged by everything that was ever written.
//
//     LOGAGENT_MODEL_PROGRAMS=10000 LOGAGENT_MODEL_SEED=1 LOGAGENT_MODEL_STEPS=60 logagent_model
//
// LOGAGENT_MODEL_LIVE_FIRST=2 adds targets that change between block and live_first; it is how
// often beside the other steps, of which the usual ones have 2 to 16.
#include <rapidcheck.h>
#include <sys/random.h>

#include <cstdlib>
#include <cstring>
#include <iostream>

#include "logagent/base/log.hpp"
#include "program.hpp"
#include "support/test.hpp"

namespace {

std::uint64_t random_state = 1;

}  // namespace

// Generation names come from the kernel's random source. Here they come from a number, so that a
// seed always brings the same run.
extern "C" ssize_t getrandom(void* into, std::size_t size, unsigned) {
    auto* const bytes = static_cast<unsigned char*>(into);
    for (std::size_t at = 0; at < size; ++at) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        bytes[at] = static_cast<unsigned char>(random_state >> 56);
    }
    return static_cast<ssize_t>(size);
}

namespace logagent::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

rc::Gen<step> steps() {
    std::vector<act> weighted;
    const auto add = [&](std::size_t weight, std::initializer_list<act> all) {
        for (const act each : all)
            weighted.insert(weighted.end(), weight, each);
    };
    add(16, {act::write, act::start});
    add(10, {act::settle});
    add(5, {act::write_many, act::turn, act::report, act::pass, act::rotate});
    add(3, {act::write_half, act::rotate_late, act::reopen, act::rotate_dated, act::truncate,
            act::copytruncate, act::replace, act::recreate, act::remove, act::kill, act::pass_long,
            act::fail});
    add(2, {act::write_blank, act::write_long, act::compress, act::lose_events, act::overflow,
            act::stop, act::power_cut, act::end_within, act::cluster, act::fail_stored, act::poison,
            act::leader, act::topic, act::fatal, act::refuse, act::target, act::rate,
            act::other_topic});
    add(1, {act::hole, act::state_fails, act::state_works, act::careful_fatal, act::spread,
            act::hold_less});
    add(number_from("LOGAGENT_MODEL_LIVE_FIRST", 0), {act::live_first});
    return rc::gen::construct<step>(rc::gen::elementOf(std::move(weighted)),
                                    rc::gen::inRange<std::uint8_t>(0, 20),
                                    rc::gen::inRange<std::uint16_t>(0, 1000));
}

/// Half of the logs are plain.
rc::Gen<step> shapes(std::uint8_t log) {
    return rc::gen::construct<step>(
        rc::gen::just(act::shape), rc::gen::just(log),
        rc::gen::oneOf(rc::gen::just<std::uint16_t>(0), rc::gen::inRange<std::uint16_t>(0, 16)));
}

rc::Gen<program> programs() {
    return rc::gen::map(rc::gen::tuple(shapes(0), shapes(1), rc::gen::container<program>(steps())),
                        [](auto all) {
                            program whole{std::get<0>(all), std::get<1>(all)};
                            const auto& rest = std::get<2>(all);
                            whole.insert(whole.end(), rest.begin(), rest.end());
                            return whole;
                        });
}

void run_again(const program& taken) {
    random_state = 1;
    run(taken);
}

TEST_CASE("random programs lose nothing, repeat nothing without cause and keep the order",
          "[programs]") {
    base::set_log_level(base::log_level::error);
    rc::detail::TestParams chosen;
    chosen.seed = number_from("LOGAGENT_MODEL_SEED", 1);
    chosen.maxSuccess = static_cast<int>(number_from("LOGAGENT_MODEL_PROGRAMS", 500));
    chosen.maxSize = static_cast<int>(number_from("LOGAGENT_MODEL_STEPS", 60));
    const auto all = programs();
    const auto result = rc::detail::checkTestable(
        [&] {
            const program taken = *all;
            run_again(taken);
        },
        rc::detail::TestMetadata{}, chosen);
    if (result.is<rc::detail::SuccessResult>()) return;
    std::ostringstream text;
    rc::detail::printResultMessage(result, text);
    FAIL(text.str() << "\nseed " << chosen.seed);
}

}  // namespace
}  // namespace logagent::test

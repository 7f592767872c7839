#include "logagent/fleet/cohort.hpp"

#include "support/test.hpp"

using namespace logagent::fleet;

namespace {

std::vector<std::string> many(std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back("host-" + std::to_string(i));
    return out;
}

}  // namespace

TEST_CASE("a higher percentage only adds hosts", "[cohort]") {
    const auto hosts = many(500);
    for (int rollout = 0; rollout < 20; ++rollout) {
        cohort now{std::to_string(rollout), "host-7", 0};
        std::vector<bool> reached(hosts.size());
        for (now.percent = 0; now.percent <= 100; ++now.percent)
            for (std::size_t i = 0; i < hosts.size(); ++i) {
                const bool is_in = now.contains(hosts[i]);
                REQUIRE((is_in || !reached[i]));
                reached[i] = is_in;
            }
        CHECK(std::find(reached.begin(), reached.end(), false) == reached.end());
    }
}

TEST_CASE("a percentage reaches about as many hosts", "[cohort]") {
    const auto hosts = many(10'000);
    for (const unsigned percent : {1u, 5u, 25u, 75u}) {
        const cohort some{"r", "", percent};
        const auto count = std::count_if(hosts.begin(), hosts.end(),
                                         [&](const auto& host) { return some.contains(host); });
        CHECK(count == Approx(percent * 100.0).margin(150));
    }
    const cohort none{"r", "", 0};
    CHECK(
        std::none_of(hosts.begin(), hosts.end(), [&](const auto& h) { return none.contains(h); }));
}

TEST_CASE("the first host stays in, and other rollouts begin elsewhere", "[cohort]") {
    const auto hosts = many(100);
    const auto first = choose_first(hosts, "r1");
    CHECK(cohort{"r1", first, 0}.contains(first));
    CHECK_FALSE(cohort{"r1", "", 0}.contains(first));
    CHECK(choose_first({}, "r1").empty());
    std::size_t other = 0;
    for (int i = 0; i < 20; ++i)
        other += choose_first(hosts, std::to_string(i)) != first;
    CHECK(other > 15);
}

TEST_CASE("the first host is the one that a percentage reaches first", "[cohort]") {
    const auto hosts = many(1000);
    const auto first = choose_first(hosts, "r1");
    for (unsigned percent = 1; percent <= 100; ++percent) {
        const cohort some{"r1", "", percent};
        const bool any = std::any_of(hosts.begin(), hosts.end(),
                                     [&](const auto& host) { return some.contains(host); });
        REQUIRE(some.contains(first) == any);
    }
}

TEST_CASE("stages that add nobody are left out", "[cohort]") {
    const auto stages = [](std::size_t count) {
        const auto hosts = many(count);
        return stages_of(hosts, {"r", choose_first(hosts, "r"), 0});
    };
    CHECK(stages(0).empty());
    CHECK(stages(1) == std::vector<rollout_stage>{{0, 1}});
    const auto two = stages(2);
    CHECK(two.front() == rollout_stage{0, 1});
    CHECK(two.back().hosts == 2);
    const auto thousand = stages(1000);
    REQUIRE(thousand.size() == 4);
    CHECK(thousand[0] == rollout_stage{0, 1});
    CHECK(thousand[1].percent == 5);
    CHECK(thousand[2].hosts > thousand[1].hosts);
    CHECK(thousand[3] == rollout_stage{100, 1000});
}

#include "agent/read_window.hpp"

#include "support/test.hpp"

namespace logagent::agent {

using namespace std::chrono_literals;

namespace {

/// Feeds so many seconds of that many requests each.
void pass(read_window& window, std::uint64_t& requests, int seconds, std::uint64_t each) {
    for (; seconds > 0; --seconds)
        window.second_passed(requests += each);
}

}  // namespace

TEST_CASE("many requests widen the window up to 200 ms, and few narrow it again", "[read_window]") {
    read_window window{10ms};
    std::uint64_t requests = 0;
    pass(window, requests, 60, 49);
    CHECK(window.length() == 10ms);
    CHECK(window.requests_per_s() == Approx(49).margin(1));

    // Whatever the window does, the requests stay many.
    pass(window, requests, 60, 1000);
    CHECK(window.length() == 200ms);
    pass(window, requests, 60, 30);
    CHECK(window.length() == 200ms);
    pass(window, requests, 60, 5);
    CHECK(window.length() == 10ms);
}

TEST_CASE("the window widens no further than it has to", "[read_window]") {
    // A host whose every window brings one request.
    read_window window{10ms};
    std::uint64_t requests = 0;
    for (int second = 0; second < 300; ++second) {
        window.second_passed(requests);
        requests += static_cast<std::uint64_t>(1000ms / window.length());
    }
    CHECK(window.length() == 20ms);
}

TEST_CASE("a window of 0 stays 0", "[read_window]") {
    read_window window{0ms};
    std::uint64_t requests = 0;
    pass(window, requests, 60, 100'000);
    CHECK(window.length() == 0ms);
    CHECK(window.requests_per_s() > 90'000);
}

}  // namespace logagent::agent

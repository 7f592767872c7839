#include "logagent/tail/forecast.hpp"

#include "host.hpp"

namespace logagent::tail {
namespace {

using namespace std::chrono_literals;
using test::host;
using test::lines;

TEST_CASE("a loss is foretold when reading takes longer than the file lives", "[forecast]") {
    const backlog slow{.lifetime_s = 100, .age_s = 40, .lag_bytes = 1000, .bytes_per_s = 10};
    CHECK(time_to_loss(slow) == 60.0);
    auto fast = slow;
    fast.bytes_per_s = 20;
    CHECK_FALSE(time_to_loss(fast));
    auto still = slow;
    still.bytes_per_s = 0;
    CHECK(time_to_loss(still) == 60.0);
    auto late = slow;
    late.age_s = 500;
    CHECK(time_to_loss(late) == 0.0);
}

TEST_CASE("nothing is foretold without a lag, or before a file was seen to be deleted",
          "[forecast]") {
    CHECK_FALSE(time_to_loss({.lifetime_s = 100, .age_s = 40, .lag_bytes = 0, .bytes_per_s = 0}));
    CHECK_FALSE(time_to_loss({.lifetime_s = 0, .age_s = 40, .lag_bytes = 1000, .bytes_per_s = 0}));
}

TEST_CASE("a path that is read too slowly for its rotation says so before the loss", "[forecast]") {
    host h;
    auto wanted = host::target("/l/a");
    wanted.send_rate = 1;
    h.apply({wanted});
    const auto born = [&](int from, int to) {
        h.disk.write("/l/a", lines(from, to));
        h.changed(os::inotify::change::appeared, "/l/a");
        h.settle();
    };
    const auto eta = [&] {
        std::optional<double> found;
        h.running->visit_files({}, 10, h.now.steady,
                               [&](const file_view& file) { found = file.eta_to_loss_s; });
        return found;
    };
    const auto said = [&] {
        for (const auto& [code, text] : h.running->problems())
            if (code == "loss_ahead") return text;
        return std::string{};
    };
    born(0, 5);
    h.pass(60s);
    CHECK_FALSE(eta());
    h.disk.remove("/l/a");  // it lived for a minute
    h.changed(os::inotify::change::vanished, "/l/a");
    h.pass(10s);
    born(5, 20);
    h.pass(12s);
    CHECK_FALSE(eta());  // 15 lines in 15 s
    CHECK(said().empty());
    h.wrote("/l/a", lines(20, 200));
    h.pass(4s);
    REQUIRE(eta());
    CHECK(*eta() > 40);
    CHECK(*eta() < 60);
    CHECK(said().find("/l/a") != std::string::npos);
}

}  // namespace
}  // namespace logagent::tail

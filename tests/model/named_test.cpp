// Programs that found a defect once, reduced to what was needed.
#include "logagent/base/log.hpp"
#include "program.hpp"
#include "support/test.hpp"

namespace logagent::test {
namespace {

void check(const program& steps) {
    base::set_log_level(base::log_level::error);
    CHECK_NOTHROW(run(steps));
}

TEST_CASE("a refused line behind a blank one is buried alone", "[programs]") {
    check({{act::write_blank, 1, 0}, {act::write, 1, 0}, {act::poison, 1, 0}, {act::start, 0, 0}});
}

}  // namespace
}  // namespace logagent::test

#include "logagent/base/error.hpp"

#include <cerrno>
#include <system_error>

#include "support/test.hpp"

using namespace logagent::base;

namespace {

template <class Throw>
std::string described(Throw&& raise) {
    try {
        raise();
    } catch (...) {
        return describe(std::current_exception());
    }
    return "nothing was thrown";
}

}  // namespace

TEST_CASE("any exception becomes one line", "[error]") {
    CHECK(described([] { throw std::runtime_error{"disk on fire"}; }) == "disk on fire");
    CHECK(described([] { throw 42; }) == "unknown failure");
    CHECK(describe({}) == "no failure");
}

TEST_CASE("the cause of an exception is told after it", "[error]") {
    const auto text = described([] {
        try {
            throw std::runtime_error{"no space"};
        } catch (...) {
            std::throw_with_nested(std::runtime_error{"cannot write the journal"});
        }
    });
    CHECK(text == "cannot write the journal: no space");
}

TEST_CASE("asking a failed result for its value throws the problem", "[error]") {
    const result<std::string> failed = problem{"range", "too large"};
    CHECK_THROWS_AS(failed.value(), problem_error);
    CHECK(described([&] { static_cast<void>(failed.value()); }) == "range: too large");
}

TEST_CASE("an errno is told with its name", "[error]") {
    CHECK(describe_errno(EACCES) == "Permission denied (EACCES)");
}

#include "logagent/async/guarded.hpp"

#include <stdexcept>

#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::async {
namespace {

namespace asio = boost::asio;

struct guarded_fixture {
    asio::io_context loop;
    event woken{loop.get_executor()};
    std::exception_ptr failure;

    asio::awaitable<void> fail(const char* why) {
        throw std::runtime_error{why};
        co_return;
    }

    asio::awaitable<void> stopped() {
        throw boost::system::system_error{asio::error::operation_aborted};
        co_return;
    }
};

TEST_CASE_METHOD(guarded_fixture, "the first failure of a guarded task is kept and wakes its owner",
                 "[guarded]") {
    test::run(loop, guarded(fail("first"), failure, woken));
    test::run(loop, woken.wait());
    test::run(loop, guarded(fail("second"), failure, woken));
    test::run(loop, woken.wait());
    CHECK_THROWS_WITH(std::rethrow_exception(failure), "first");
}

TEST_CASE_METHOD(guarded_fixture, "a stop of a guarded task is no failure", "[guarded]") {
    CHECK_THROWS_AS(test::run(loop, guarded(stopped(), failure, woken)),
                    boost::system::system_error);
    CHECK_FALSE(failure);
}

}  // namespace
}  // namespace logagent::async

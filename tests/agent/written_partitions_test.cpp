#include "agent/written_partitions.hpp"

#include <boost/json/parse.hpp>

#include "support/test.hpp"

using namespace logagent;
using agent::written_partitions;

namespace {

std::string written(const written_partitions& from, std::size_t to = 10'000) {
    agent::json_writer out;
    from.write(out, to);
    return out.take();
}

}  // namespace

TEST_CASE("the partitions of each service and topic are named once", "[status]") {
    written_partitions some;
    some.add("shop", "a", 4);
    some.add("shop", "a", 0);
    some.add("shop", "a", 4);
    some.add("pay", "a", 1);
    some.add("pay", "b", 1);
    some.add("pay", "b", -1);
    CHECK(written(some) == R"([{"service":"pay","topic":"a","partitions":[1]},)"
                           R"({"service":"pay","topic":"b","partitions":null},)"
                           R"({"service":"shop","topic":"a","partitions":[0,4]}])");
}

TEST_CASE("very many partitions are as good as all of them", "[status]") {
    written_partitions some;
    for (int number = 0; number < 1000; ++number)
        some.add("shop", "a", number);
    CHECK(written(some) == R"([{"service":"shop","topic":"a","partitions":null}])");
}

TEST_CASE("what was told before holds what is told now, or it has to be told again", "[status]") {
    written_partitions before;
    before.add("shop", "a", 1);
    before.add("shop", "a", 2);
    before.add("pay", "b", -1);
    written_partitions now;
    now.add("shop", "a", 2);
    now.add("pay", "b", 7);
    CHECK(before.holds(now));
    now.add("shop", "a", 3);
    CHECK_FALSE(before.holds(now));
    written_partitions other;
    other.add("new", "a", 1);
    CHECK_FALSE(before.holds(other));
    written_partitions any;
    any.add("shop", "a", -1);
    CHECK_FALSE(before.holds(any));
}

TEST_CASE("partitions that do not fit are left out, whole topics at a time", "[status]") {
    written_partitions some;
    for (int i = 0; i < 1000; ++i)
        some.add("shop", "topic" + std::to_string(i), i);
    const auto text = written(some, 2000);
    CHECK(text.size() <= 2000);
    CHECK(boost::json::parse(text).as_array().size() > 20);
}

#include "etcd/endpoints.hpp"

#include <set>

#include "support/test.hpp"

namespace http = logagent::http;
using logagent::etcd::endpoint_list;
using namespace std::chrono_literals;

namespace {

const endpoint_list::clock::time_point start{1000s};
const std::vector<http::endpoint> three{{"a", 1}, {"b", 1}, {"c", 1}};

}  // namespace

TEST_CASE("one endpoint is asked until it fails, then the next, and the first again after a while",
          "[etcd]") {
    endpoint_list list{three, 0, 30s};
    const auto first = list.pick(start);
    CHECK(list.pick(start) == first);
    list.failed(first.authority(), start);
    const auto second = list.pick(start);
    CHECK(second != first);
    CHECK(list.pick(start + 29s) == second);
    list.failed(second.authority(), start + 29s);
    CHECK(list.pick(start + 29s) != first);
    CHECK(list.pick(start + 29s) != second);
    CHECK(list.pick(start + 100s) != first);  // no reason to leave what works
}

TEST_CASE("when all have failed the oldest failure is tried first", "[etcd]") {
    endpoint_list list{three, 0, 30s};
    list.failed("b:1", start);
    list.failed("c:1", start + 1s);
    list.failed("a:1", start + 2s);
    CHECK(list.pick(start + 3s).host == "b");
    list.worked("a:1");
    CHECK(list.pick(start + 3s).host == "a");
}

TEST_CASE("different seeds begin with different endpoints", "[etcd]") {
    std::set<std::string> first;
    for (std::uint64_t seed = 0; seed < 20; ++seed)
        first.insert(endpoint_list{three, seed * 7919, 30s}.pick(start).host);
    CHECK(first.size() == 3);
}

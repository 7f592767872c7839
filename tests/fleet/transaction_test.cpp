#include "logagent/fleet/transaction.hpp"

#include "fleet/fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using namespace logagent::test;

namespace {

plan with_writes(std::size_t count, std::size_t size) {
    plan out;
    for (std::size_t i = 0; i < count; ++i) {
        planned_key key;
        key.host = "h" + std::to_string(1000 + i);
        key.address = "10.0.0.1";
        key.size = size;
        out.writes.push_back(key);
    }
    return out;
}

}  // namespace

TEST_CASE("a plan that fits is one transaction", "[transaction]") {
    CHECK(split({}, "/logagent/").empty());
    CHECK(split(with_writes(128, 100), "/logagent/") == std::vector<key_batch>{{0, 128}});
}

TEST_CASE("128 operations are a transaction's limit", "[transaction]") {
    CHECK(split(with_writes(129, 100), "/logagent/") ==
          std::vector<key_batch>{{0, 128}, {128, 129}});
    transaction_limits limits;
    limits.operations_each = 2;
    limits.operations_kept = 3;
    CHECK(split(with_writes(100, 100), "/logagent/", limits) ==
          std::vector<key_batch>{{0, 62}, {62, 100}});
}

TEST_CASE("1.5 MiB are a transaction's limit", "[transaction]") {
    CHECK(split(with_writes(4, 500'000), "/logagent/") == std::vector<key_batch>{{0, 3}, {3, 4}});
    transaction_limits limits;
    limits.bytes_kept = 600'000;
    CHECK(split(with_writes(2, 500'000), "/logagent/", limits) ==
          std::vector<key_batch>{{0, 1}, {1, 2}});
    CHECK(split(with_writes(2, 2'000'000), "/logagent/") == std::vector<key_batch>{{0, 1}, {1, 2}});
}

TEST_CASE("the keys of one host stay together", "[transaction]") {
    auto some = with_writes(4, 10);
    some.writes[2].host = some.writes[1].host;
    transaction_limits limits;
    limits.operations = 2;
    CHECK(split(some, "/logagent/", limits) == std::vector<key_batch>{{0, 1}, {1, 3}, {3, 4}});
    // Keys of no host have nothing to do with each other.
    for (auto& key : some.writes)
        key.host.clear();
    CHECK(split(some, "/logagent/", limits) == std::vector<key_batch>{{0, 2}, {2, 4}});
}

TEST_CASE("every write is guarded by the revision that the plan saw", "[transaction]") {
    host_index index{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"})}};
    const auto wanted = render(states({make_service("a", {"h1"}, {"/a"})}), index);
    const std::string old = R"([{"service":"a","log_path":"/b","topic":"t"}])";
    const std::vector<key_state> keys{{"10.0.0.2", old, 42, content_hash(old)}};
    const auto all = make_plan(wanted, index, keys);
    const auto batches = split(all, "/p/");
    REQUIRE(batches.size() == 1);
    const auto writes = writes_of(all, wanted, "/p/", batches[0]);
    REQUIRE(writes.size() == 2);
    CHECK(writes[0].key == "/p/10.0.0.1/logconfig");
    CHECK(writes[0].mod_revision == 0);
    CHECK(writes[0].value == R"([{"service":"a","log_path":"/a","topic":"t","send_rate":0}])");
    CHECK(writes[1].key == "/p/10.0.0.2/logconfig");
    CHECK(writes[1].mod_revision == 42);
    CHECK(writes[1].value == "[]");
}

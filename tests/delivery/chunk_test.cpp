#include "logagent/delivery/chunk.hpp"

#include <cstring>
#include <vector>

#include "support/test.hpp"

namespace logagent::delivery {
namespace {

TEST_CASE("a chunk is charged with its capacity for as long as anybody refers to it", "[chunk]") {
    budget memory{1 << 30};
    chunk_pool pool{memory};
    auto first = pool.allocate(1);
    CHECK(first->capacity() == chunk_pool::small);
    CHECK(memory.used() == chunk_pool::small);
    auto second = first;
    first = {};
    CHECK(memory.used() == chunk_pool::small);
    auto third = std::move(second);
    CHECK_FALSE(second);
    third = {};
    CHECK(memory.used() == 0);
}

TEST_CASE("chunks come in two sizes, and as large as asked for beyond them", "[chunk]") {
    budget memory{1 << 30};
    chunk_pool pool{memory};
    CHECK(pool.allocate(chunk_pool::small)->capacity() == chunk_pool::small);
    CHECK(pool.allocate(chunk_pool::small + 1)->capacity() == chunk_pool::large);
    CHECK(pool.allocate(chunk_pool::large)->capacity() == chunk_pool::large);
    CHECK(pool.allocate(chunk_pool::large + 1)->capacity() == chunk_pool::large + 1);
    CHECK(memory.used() == 0);
}

TEST_CASE("a chunk that nobody needs is used again, empty", "[chunk]") {
    budget memory{1 << 30};
    chunk_pool pool{memory};
    auto first = pool.allocate(1);
    char* const bytes = first->data();
    first->use(100);
    first = {};
    const auto again = pool.allocate(1);
    CHECK(again->data() == bytes);
    CHECK(again->used() == 0);
    CHECK(again->room().size() == chunk_pool::small);
    const auto other = pool.allocate(1);
    CHECK(other->data() != bytes);
}

TEST_CASE("what is handed out of a chunk makes its room smaller", "[chunk]") {
    budget memory{1 << 30};
    chunk_pool pool{memory};
    const auto shared = pool.allocate(1);
    shared->use(1000);
    CHECK(shared->used() == 1000);
    CHECK(shared->room().data() == shared->data() + 1000);
    CHECK(shared->room().size() == chunk_pool::small - 1000);
    CHECK(shared->holds(shared->data()));
    CHECK(shared->holds(shared->data() + chunk_pool::small - 1));
    CHECK_FALSE(shared->holds(shared->data() + chunk_pool::small));
}

TEST_CASE("many chunks at a time are all writable and all given back", "[chunk]") {
    budget memory{1 << 30};
    chunk_pool pool{memory};
    std::vector<chunk_ref> held;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 40; ++i) {
            held.push_back(pool.allocate(i % 2 ? chunk_pool::large : 1));
            std::memset(held.back()->data(), i, held.back()->capacity());
        }
        for (int i = 0; i < 40; ++i)
            CHECK(held[static_cast<std::size_t>(i)]->data()[chunk_pool::small - 1] == i);
        held.clear();
        CHECK(memory.used() == 0);
        pool.trim();
    }
}

}  // namespace
}  // namespace logagent::delivery

#include "agent/instance.hpp"

#include "os/temporary_directory.hpp"
#include "support/test.hpp"

namespace logagent::agent {

TEST_CASE("an agent keeps its id over restarts, and a copied state gets another one",
          "[instance]") {
    const std::string here(32, 'a');
    const std::string there(32, 'b');
    test::temporary_directory state;
    const auto first = load_instance(state.path(), here);
    CHECK(first.id.size() == 32);
    CHECK(first.id.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK_FALSE(first.cloned);
    const auto again = load_instance(state.path(), here);
    CHECK(again.id == first.id);
    CHECK_FALSE(again.cloned);

    const auto copy = load_instance(state.path(), there);
    CHECK(copy.cloned);
    CHECK(copy.id != first.id);
    const auto next = load_instance(state.path(), there);  // from now on it is its own
    CHECK(next.id == copy.id);
    CHECK_FALSE(next.cloned);
}

TEST_CASE("a machine without an id keeps its instance, too", "[instance]") {
    test::temporary_directory state;
    const auto first = load_instance(state.path(), "");
    CHECK(load_instance(state.path(), "").id == first.id);
    CHECK_FALSE(load_instance(state.path(), "").cloned);
}

TEST_CASE("an instance file that makes no sense is replaced and is no copy", "[instance]") {
    test::temporary_directory state;
    for (const std::string text : {"", "short\n", "\x01\xff"}) {
        state.file("instance", text);
        const auto fresh = load_instance(state.path(), std::string(32, 'a'));
        CHECK(fresh.id.size() == 32);
        CHECK_FALSE(fresh.cloned);
        CHECK(load_instance(state.path(), std::string(32, 'a')).id == fresh.id);
    }
}

}  // namespace logagent::agent

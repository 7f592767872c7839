#include "web/pruning.hpp"

#include "support/test.hpp"
#include "web/stamp.hpp"

namespace web = logagent::web;

namespace {

constexpr std::int64_t day = 24LL * 3600 * 1000;

}  // namespace

TEST_CASE("what is too much or too old goes, the newest first to stay", "[web]") {
    const std::int64_t now = 1000 * day;
    const std::vector<web::dated_key> keys{
        {"d", now}, {"c", now - day}, {"b", now - 9 * day}, {"a", now - 11 * day}};
    using names = std::vector<std::string>;
    CHECK(web::expired(keys, 10, 0, 0, now).empty());
    CHECK(web::expired(keys, 10, 10, 0, now) == names{"a"});
    CHECK(web::expired(keys, 2, 0, 0, now) == names{"b", "a"});
    CHECK(web::expired(keys, 0, 1, 1, now) == names{"c", "b", "a"});
    const std::vector<web::dated_key> undated{{"x", 0}};
    CHECK(web::expired(undated, 1, 1, 0, now).empty());
}

TEST_CASE("a ULID tells when it was made", "[web]") {
    for (const std::int64_t at : {0LL, 1LL, 1'700'000'000'123LL})
        CHECK(web::time_of_ulid(web::ulid(at, "0123456789")) == at);
    CHECK(web::time_of_ulid("short") == 0);
    CHECK(web::time_of_ulid("!!!!!!!!!!0000000000000000") == 0);
}

#include "web/new_hosts.hpp"

#include "support/test.hpp"

namespace web = logagent::web;
namespace fleet = logagent::fleet;

namespace {

/// A plan with one key for each text: host, address, then its changes: "+a" "-a" "~a".
fleet::plan plan_of(const std::vector<std::vector<std::string>>& keys) {
    fleet::plan out;
    for (const auto& words : keys) {
        fleet::planned_key key;
        key.host = words.at(0);
        key.address = words.at(1);
        for (std::size_t i = 2; i < words.size(); ++i) {
            fleet::entry_change change;
            change.kind = words[i][0] == '+'   ? fleet::change_kind::added
                          : words[i][0] == '-' ? fleet::change_kind::removed
                                               : fleet::change_kind::changed;
            change.log_path = words[i].substr(1);
            change.topic = "t";
            key.changes.push_back(static_cast<std::uint32_t>(out.changes.size()));
            out.changes.push_back({change, 1});
        }
        out.writes.push_back(std::move(key));
    }
    return out;
}

/// Addresses that are written by themselves.
std::vector<std::string> kept(const std::vector<std::vector<std::string>>& keys) {
    auto plan = plan_of(keys);
    web::keep_additions(plan);
    std::vector<std::string> out;
    for (const auto& key : plan.writes)
        out.push_back(key.address);
    return out;
}

}  // namespace

TEST_CASE("what gives a host something is written by itself, what takes or changes is not",
          "[web]") {
    using list = std::vector<std::string>;
    CHECK(kept({{"a", "1", "+x", "+y"}}) == list{"1"});
    CHECK(kept({{"a", "1", "+x", "-y"}}).empty());
    CHECK(kept({{"a", "1", "-y"}}).empty());
    CHECK(kept({{"a", "1", "+x", "~y"}}).empty());
    CHECK(kept({{"a", "1"}}).empty());
    CHECK(kept({{"", "1", "+x"}}).empty());
    CHECK(kept({{"a", "1", "-x"}, {"b", "2", "+x"}}) == list{"2"});

    SECTION("a host that has moved takes its entries along") {
        CHECK(kept({{"a", "1", "-x"}, {"a", "2", "+x"}}) == list{"1", "2"});
        CHECK(kept({{"a", "1", "-x", "-y"}, {"a", "2", "+x"}}).empty());
        CHECK(kept({{"a", "1", "~x"}, {"a", "2", "+x"}}).empty());
    }
}

#include "logagent/fleet/host_index.hpp"

#include <random>

#include "fleet/fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using logagent::test::make_host;

namespace {

/// Random fleets and selections out of few words, so that much matches and much nearly does.
class dice {
public:
    explicit dice(unsigned seed) : engine_{seed} {}

    std::size_t below(std::size_t limit) { return engine_() % limit; }
    bool toss() { return below(2) == 0; }

    template <std::size_t N>
    std::string pick(const char* const (&words)[N]) {
        return words[below(N)];
    }

    std::vector<host> hosts() {
        std::vector<host> out;
        const auto count = below(150);
        for (std::size_t i = 0; i < count; ++i) {
            std::vector<std::string> ips;
            for (auto left = below(3); left > 0; --left)
                ips.push_back(address());
            std::sort(ips.begin(), ips.end());
            label_map labels;
            if (toss()) labels["env"] = pick({"prod", "test", "", "Prod"});
            if (toss()) labels["rack"] = "r" + std::to_string(below(60));
            out.push_back(make_host(name(), ips, labels));
        }
        return out;
    }

    host_selection selection() {
        host_selection out;
        for (auto left = below(3); left > 0; --left)
            out.list.push_back(below(3) == 0 ? address()
                               : toss()      ? name()
                                             : pick({"web-*", "*", "*-1?", "[wd]*-2", "x?", "w"}));
        for (auto left = below(3); left > 0; --left)
            out.cidr.push_back(pick(
                {"10.0.0.0/30", "10.0.1.0/24", "0.0.0.0/0", "fd00::/127", "::/0", "10.0.0.3"}));
        for (auto left = below(4); left > 0; --left)
            out.selector += (out.selector.empty() ? "" : ",") + term();
        return out;
    }

private:
    std::string name() { return pick({"web", "db", "w"}) + "-" + std::to_string(below(99)); }

    std::string address() {
        return toss() ? "10.0." + std::to_string(below(2)) + "." + std::to_string(below(9))
                      : "fd00::" + std::to_string(below(9));
    }

    std::string term() {
        const auto label = pick({"host", "env", "rack", "ip", "none"});
        if (toss()) return label + (toss() ? "=" : "!=") + value();
        return label + (toss() ? "=~" : "!~") + pattern();
    }

    std::string value() { return pick({"prod", "", "r7", "web-5", "10.0.0.1", "fd00:0::2"}); }

    std::string pattern() {
        return pick({"web-.*", ".*", "w.*", ".*5", "(?i)PROD", "r[1-5]?", "prod|test", "|r1.*",
                     "db-1[0-9]+", "10\\.0\\.0\\..*", "fd00::[0-4]", "web-(1|22|3.)", "^d.*",
                     "[a-w]+-\\d", "r(1|2)*", "\\w+", "w|web-1", "x*"});
    }

    std::mt19937 engine_;
};

std::vector<std::string> brute_force(const host_selection& selection, std::span<const host> hosts) {
    std::vector<std::string> out;
    for (const auto& one : hosts)
        if (selects(selection, one)) out.push_back(one.name);
    return out;
}

}  // namespace

TEST_CASE("the index selects whom asking each host selects", "[host_index]") {
    std::size_t selected = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        dice random{seed};
        host_index index{random.hosts()};
        for (int i = 0; i < 10; ++i) {
            const auto selection = random.selection();
            const auto found = index.select(selection);
            REQUIRE(found.has_value());
            std::vector<std::string> names;
            for (const auto position : *found)
                names.push_back(index.hosts()[position].name);
            INFO("seed " << seed << " selection " << i << ": " << selection.selector);
            REQUIRE(names == brute_force(selection, index.hosts()));
            selected += names.size();
        }
    }
    CHECK(selected > 10'000);
}

TEST_CASE("hosts are found by name and by address", "[host_index]") {
    const host_index index{{make_host("b", {"10.0.0.2", "10.0.0.9"}), make_host("a", {"10.0.0.9"}),
                            make_host("a", {"10.0.0.7"})}};
    REQUIRE(index.hosts().size() == 2);
    CHECK(index.hosts()[0].primary_ip == "10.0.0.9");
    CHECK(index.find("b") == 1);
    CHECK_FALSE(index.find("c").has_value());
    CHECK(index.with_address("10.0.0.9").size() == 2);
    CHECK(index.with_address("10.0.0.7").empty());
}

TEST_CASE("a selection with a mistake selects nothing", "[host_index]") {
    host_index index{{make_host("a", {"10.0.0.1"})}};
    CHECK(index.select({{"a", "[x"}, {}, ""}).error().code == "glob");
    CHECK(index.select({{"a"}, {"10/8"}, ""}).error().code == "cidr");
    CHECK(index.select({{"a"}, {}, "env"}).error().code == "selector");
    CHECK(index.select({})->empty());
}

#include "logagent/fleet/render.hpp"

#include "fleet/fleet_fixture.hpp"
#include "support/test.hpp"

using namespace logagent::fleet;
using namespace logagent::test;

namespace {

struct outcome {
    explicit outcome(std::vector<host> hosts, const std::vector<service_state>& services)
        : index{std::move(hosts)}, out{render(services, index)} {}

    std::string value(std::string_view name) const {
        const auto* const one = out.find(name);
        return one ? out.value_of(*one) : "no such host";
    }
    bool blocked(std::string_view name) const { return out.find(name)->blocked; }

    host_index index;
    rendering out;
};

std::vector<std::string> codes(const std::vector<render_problem>& problems) {
    std::vector<std::string> out;
    for (const auto& problem : problems)
        out.push_back(problem.code);
    return out;
}

}  // namespace

TEST_CASE("a host gets the entries of its services, sorted by path and topic", "[render]") {
    auto b = make_service("b", {"h1", "h2"}, {"/z", "/a"});
    b.files.push_back(make_file("b", "/a", "s"));
    const outcome out{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"}),
                       make_host("h3", {"10.0.0.3"})},
                      states({b, make_service("a", {"h1"}, {"/m"})})};
    CHECK(out.out.errors.empty());
    CHECK(out.value("h1") == R"([{"service":"b","log_path":"/a","topic":"s","send_rate":0},)"
                             R"({"service":"b","log_path":"/a","topic":"t","send_rate":0},)"
                             R"({"service":"a","log_path":"/m","topic":"t","send_rate":0},)"
                             R"({"service":"b","log_path":"/z","topic":"t","send_rate":0}])");
    CHECK(out.value("h3") == "[]");
    CHECK(out.out.find("h1")->address == "10.0.0.1");
    CHECK(out.out.find("nobody") == nullptr);
    for (const auto& one : out.out.hosts)
        CHECK(out.out.size_of(one) == out.out.value_of(one).size());
    CHECK(logconfig_key("/logagent/", "10.0.0.1") == "/logagent/10.0.0.1/logconfig");
}

TEST_CASE("the order of services and hosts does not change the bytes", "[render]") {
    const auto a = make_service("a", {"h1", "h2"}, {"/1", "/3"});
    const auto b = make_service("b", {"h1"}, {"/2"});
    const auto h1 = make_host("h1", {"10.0.0.1"});
    const auto h2 = make_host("h2", {"10.0.0.2"});
    const outcome one{{h1, h2}, states({a, b})};
    const outcome other{{h2, h1}, states({b, a})};
    CHECK(one.value("h1") == other.value("h1"));
    CHECK(one.value("h2") == other.value("h2"));
    CHECK(parse_logconfig(one.value("h1")).targets.size() == 3);
}

TEST_CASE("a disabled service and one that selects nobody render nothing", "[render]") {
    auto off = make_service("off", {"h1"}, {"/a"});
    off.enabled = false;
    const outcome out{{make_host("h1", {"10.0.0.1"})},
                      states({off, make_service("none", {}, {"/b"})})};
    CHECK(out.value("h1") == "[]");
}

TEST_CASE("two services that share path and topic on a host block it, with both names",
          "[render]") {
    const outcome out{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"}),
                       make_host("h3", {"10.0.0.3"})},
                      states({make_service("a", {"h1", "h2"}, {"/x"}),
                              make_service("b", {"h2", "h3"}, {"/x", "/y"})})};
    REQUIRE(codes(out.out.errors) == std::vector<std::string>{"conflict"});
    CHECK(out.out.errors[0].services == std::vector<std::string>{"a", "b"});
    CHECK(out.out.errors[0].hosts == std::vector<std::string>{"h2"});
    CHECK_FALSE(out.blocked("h1"));
    CHECK(out.blocked("h2"));
    CHECK_FALSE(out.blocked("h3"));
}

TEST_CASE("an address that two live hosts claim blocks who would write to it", "[render]") {
    SECTION("the primary one of both") {
        const outcome out{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.1"})}, {}};
        REQUIRE(codes(out.out.errors) == std::vector<std::string>{"address"});
        CHECK(out.out.errors[0].hosts == std::vector<std::string>{"h1", "h2"});
        CHECK(out.blocked("h1"));
        CHECK(out.blocked("h2"));
    }
    SECTION("the primary one of one") {
        const outcome out{
            {make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.0", "10.0.0.1"})}, {}};
        CHECK(codes(out.out.errors) == std::vector<std::string>{"address"});
        CHECK(out.blocked("h1"));
        CHECK_FALSE(out.blocked("h2"));
    }
    SECTION("the primary one of neither") {
        const outcome out{{make_host("h1", {"10.0.0.1", "172.17.0.1"}),
                           make_host("h2", {"10.0.0.2", "172.17.0.1"})},
                          {}};
        CHECK(out.out.errors.empty());
    }
    SECTION("a host that is not live gives way") {
        const outcome out{
            {make_host("old", {"10.0.0.1"}, {}, false), make_host("new", {"10.0.0.1"})},
            states({make_service("a", {"old"}, {"/a"}), make_service("b", {"new"}, {"/b"})})};
        CHECK(out.out.errors.empty());
        CHECK(codes(out.out.warnings) == std::vector<std::string>{"superseded"});
        CHECK(out.out.find("old") == nullptr);
        CHECK(out.value("new").find("/b") != std::string::npos);
        CHECK_FALSE(out.blocked("new"));
    }
    SECTION("two that are not live cannot be told apart") {
        const outcome out{
            {make_host("h1", {"10.0.0.1"}, {}, false), make_host("h2", {"10.0.0.1"}, {}, false)},
            {}};
        CHECK(codes(out.out.errors) == std::vector<std::string>{"address"});
    }
}

TEST_CASE("a host with more than 200 entries is blocked", "[render]") {
    std::vector<std::string> paths;
    for (int i = 0; i < 101; ++i)
        paths.push_back("/" + std::to_string(i));
    auto other = make_service("b", {"h1"}, {});
    for (int i = 0; i < 100; ++i)
        other.files.push_back(make_file("b", "/b" + std::to_string(i), "t"));
    const std::vector hosts{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"})};
    const auto a = make_service("a", {"h1", "h2"}, paths);
    const outcome out{hosts, states({a, other})};
    REQUIRE(codes(out.out.errors) == std::vector<std::string>{"limit"});
    CHECK(out.out.errors[0].services == std::vector<std::string>{"a", "b"});
    CHECK(out.blocked("h1"));
    CHECK_FALSE(out.blocked("h2"));
    other.files.pop_back();
    CHECK(outcome{hosts, states({a, other})}.out.errors.empty());
}

TEST_CASE("a host without an address is an error only if it should collect something", "[render]") {
    CHECK(outcome{{make_host("h1", {})}, {}}.out.errors.empty());
    const outcome out{{make_host("h1", {})}, states({make_service("a", {"h1"}, {"/a"})})};
    REQUIRE(codes(out.out.errors) == std::vector<std::string>{"no_address"});
    CHECK(out.out.errors[0].hosts == std::vector<std::string>{"h1"});
}

TEST_CASE("a selection with a mistake is an error with the service's name", "[render]") {
    auto bad = make_service("a", {}, {"/a"});
    bad.hosts.selector = "env";
    const outcome out{{make_host("h1", {"10.0.0.1"})}, states({bad})};
    REQUIRE(codes(out.out.errors) == std::vector<std::string>{"selector"});
    CHECK(out.out.errors[0].services == std::vector<std::string>{"a"});
    CHECK_FALSE(out.blocked("h1"));
}

TEST_CASE("rates are summed by topic over all hosts", "[render]") {
    auto a = make_service("a", {"h1", "h2"}, {"/a"});
    a.files[0].target.send_rate = 100;
    a.files[0].target.send_rate_bytes = 7;
    auto b = make_service("b", {"h1"}, {"/b", "/c*"});
    b.files[1].target.topic = "u";
    const outcome out{{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"})},
                      states({a, b})};
    CHECK(out.out.topics ==
          std::vector<topic_rate>{{"t", 3, 200, 14, 1, 1, 0}, {"u", 1, 0, 0, 1, 1, 1}});
}

TEST_CASE("in a rollout the cohort has the next revision and the others the current one",
          "[render]") {
    std::vector<host> hosts;
    std::vector<std::string> names;
    for (int i = 0; i < 50; ++i) {
        names.push_back("h" + std::to_string(i));
        hosts.push_back(make_host(names.back(), {"10.0.0." + std::to_string(i)}));
    }
    service_state state{make_service("a", {"*"}, {"/old"}), {}};
    const cohort reached{"r1", "h7", 25};
    state.rollout = rollout_step{make_service("a", {"*"}, {"/new"}), reached};
    const outcome out{hosts, {state}};
    CHECK(out.out.errors.empty());
    std::size_t count = 0;
    for (const auto& name : names) {
        const bool is_new = out.value(name).find("/new") != std::string::npos;
        CHECK(is_new == reached.contains(name));
        CHECK(is_new != (out.value(name).find("/old") != std::string::npos));
        count += is_new;
    }
    CHECK(count > 1);
    CHECK(count < names.size());
}

TEST_CASE("fields of another version reach the agents, but not the hash they report", "[render]") {
    auto a = make_service("a", {"h1"}, {"/a"});
    a.files[0].extra["new"] = true;
    const outcome out{{make_host("h1", {"10.0.0.1"})}, states({a})};
    CHECK(out.value("h1").ends_with(R"("send_rate":0,"new":true}])"));
    const auto applied = parse_logconfig(out.value("h1")).targets;
    CHECK(out.out.applied_hash(*out.out.find("h1")) == content_hash(canonical_logconfig(applied)));
}

TEST_CASE("what is rendered step by step is what is rendered at once", "[render]") {
    // An error of each kind, and something that is well.
    const std::vector<host> hosts{make_host("h1", {"10.0.0.1"}), make_host("h2", {"10.0.0.2"}),
                                  make_host("h3", {"10.0.0.2"}), make_host("h4", {})};
    auto broken = make_service("broken", {}, {"/x"});
    broken.hosts.cidr = {"no network"};
    const auto services = states({make_service("a", {"h1", "h2", "h4"}, {"/1", "/2"}),
                                  make_service("b", {"h1"}, {"/2"}), broken});
    host_index index{hosts};
    const auto whole = render(services, index);
    REQUIRE(whole.errors.size() >= 4);
    for (const std::size_t work : {std::size_t{1}, std::size_t{7}, std::size_t{60}}) {
        rendering_slices slices{services, index};
        std::size_t turns = 0;
        while (slices.advance(work))
            ++turns;
        CHECK(turns > 1);
        const auto out = slices.finish();
        CHECK(codes(out.errors) == codes(whole.errors));
        CHECK(out.topics == whole.topics);
        REQUIRE(out.hosts.size() == whole.hosts.size());
        for (std::size_t i = 0; i < out.hosts.size(); ++i) {
            CHECK(out.value_of(out.hosts[i]) == whole.value_of(whole.hosts[i]));
            CHECK(out.hosts[i].blocked == whole.hosts[i].blocked);
        }
    }
}

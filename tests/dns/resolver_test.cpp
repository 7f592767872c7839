#include "logagent/dns/resolver.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "dns/fake_name_server.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace dns = logagent::dns;
namespace test = logagent::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = dns::resolver::clock;

namespace {

struct name_fixture {
    asio::io_context loop;
    test::fake_name_server server{loop};

    dns::resolver_options options() {
        dns::resolver_options made;
        made.servers = server.address();
        made.try_timeout = 50ms;
        made.tries = 1;
        return made;
    }

    dns::answer ask(dns::resolver& names, const std::string& host,
                    clock_type::duration patience = 5s) {
        return test::run(loop, names.resolve(host, clock_type::now() + patience));
    }
};

std::vector<std::string> texts(const dns::answer& answer) {
    std::vector<std::string> result;
    for (const auto& address : answer.addresses)
        result.push_back(address.to_string());
    std::ranges::sort(result);
    return result;
}

}  // namespace

TEST_CASE_METHOD(name_fixture, "a name gives its v4 and v6 addresses with the smallest TTL",
                 "[dns]") {
    server.names["etcd.test"] = {{"127.0.0.5", "127.0.0.6", "::5"}, 17};
    dns::resolver names{loop.get_executor(), options()};
    const auto answer = ask(names, "etcd.test");
    CHECK(texts(answer) == std::vector<std::string>{"127.0.0.5", "127.0.0.6", "::5"});
    CHECK(answer.ttl == 17s);
    CHECK_FALSE(answer.stale);
    CHECK(answer.failure.empty());
}

TEST_CASE_METHOD(name_fixture, "a numeric address is answered without any question", "[dns]") {
    server.names["10.0.0.9"] = {{"6.6.6.6"}};
    dns::resolver names{loop.get_executor(), options()};
    CHECK(texts(ask(names, "10.0.0.9")) == std::vector<std::string>{"10.0.0.9"});
    CHECK(texts(ask(names, "fe80::1")) == std::vector<std::string>{"fe80::1"});
    CHECK(server.questions == 0);
}

TEST_CASE_METHOD(name_fixture, "localhost comes from the hosts file", "[dns]") {
    dns::resolver names{loop.get_executor(), options()};
    const auto found = texts(ask(names, "localhost"));
    CHECK(std::ranges::find(found, "127.0.0.1") != found.end());
    CHECK(server.questions == 0);
}

TEST_CASE_METHOD(name_fixture, "an unknown name fails with a sentence that names it", "[dns]") {
    dns::resolver names{loop.get_executor(), options()};
    const auto answer = ask(names, "nobody.test.");
    CHECK(answer.addresses.empty());
    CHECK(answer.failure.find("cannot resolve nobody.test") == 0);
    CHECK(ask(names, "").failure == "'' is not a host name");
}

TEST_CASE_METHOD(name_fixture, "a cached name is not asked again before its TTL", "[dns]") {
    server.names["a.test"] = {{"127.0.0.5"}};
    dns::resolver names{loop.get_executor(), options()};
    ask(names, "a.test");
    const int asked = server.questions;
    CHECK(texts(ask(names, "a.test")) == std::vector<std::string>{"127.0.0.5"});
    CHECK(server.questions == asked);
}

TEST_CASE_METHOD(name_fixture, "questions for one name at the same time share one look-up",
                 "[dns]") {
    server.names["a.test"] = {{"127.0.0.5"}};
    dns::resolver names{loop.get_executor(), options()};
    int answered = 0;
    for (int i = 0; i < 5; ++i) {
        asio::co_spawn(loop, names.resolve("a.test", clock_type::now() + 5s),
                       [&](std::exception_ptr, dns::answer answer) {
                           answered += answer.addresses.size() == 1 ? 1 : 0;
                       });
    }
    test::run_until(loop, [&] { return answered == 5; });
    CHECK(server.questions == 2);  // A and AAAA
}

TEST_CASE_METHOD(name_fixture, "dropped answers end in a failure while the loop goes on", "[dns]") {
    server.silent = true;
    dns::resolver names{loop.get_executor(), options()};
    CHECK(ask(names, "a.test").failure.find("cannot resolve a.test") == 0);

    auto patient = options();
    patient.try_timeout = 60s;
    dns::resolver waiting{loop.get_executor(), patient};
    const auto answer = ask(waiting, "a.test", 30ms);
    CHECK(answer.addresses.empty());
    CHECK(answer.failure == "cannot resolve a.test: no answer from the name servers in time");
}

TEST_CASE_METHOD(name_fixture, "a waiting question ends at once when its task is stopped",
                 "[dns]") {
    server.silent = true;
    auto patient = options();
    patient.try_timeout = 60s;
    dns::resolver names{loop.get_executor(), patient};
    auto ask_for_ever = [](dns::resolver& from) -> asio::awaitable<void> {
        const auto answer = co_await from.resolve("a.test", clock_type::time_point::max());
        CHECK(answer.addresses.empty());
    };
    test::background task{loop, ask_for_ever(names)};
    test::run_until(loop, [&] { return server.questions > 0; });
    CHECK(task.stop() < 1s);
    CHECK(task.failure());
}

TEST_CASE_METHOD(name_fixture, "a changed resolv.conf brings the new servers into use", "[dns]") {
    const auto path =
        std::filesystem::temp_directory_path() / ("logagent-resolv-" + std::to_string(::getpid()));
    test::fake_name_server other{loop, "127.0.0.2", server.port()};
    server.names["a.test"] = {{"127.0.0.5"}};
    other.names["b.test"] = {{"127.0.0.6"}};

    dns::resolver_options follow;
    follow.resolv_conf = path.string();
    follow.port = server.port();
    follow.look_again = 0ms;
    follow.try_timeout = 50ms;
    std::ofstream{path} << "nameserver 127.0.0.1\n";
    dns::resolver names{loop.get_executor(), follow};
    CHECK(ask(names, "a.test").addresses.size() == 1);
    CHECK(ask(names, "b.test").addresses.empty());

    SECTION("for later questions") {
        std::ofstream{path} << "nameserver 127.0.0.2  \n";
        CHECK(texts(ask(names, "b2.test")).empty());
        other.names["c.test"] = {{"127.0.0.7"}};
        CHECK(texts(ask(names, "c.test")) == std::vector<std::string>{"127.0.0.7"});
    }
    SECTION("and for those that are under way") {
        server.silent = true;
        other.names["d.test"] = {{"127.0.0.8"}};
        std::size_t found = 0;
        asio::co_spawn(
            loop, names.resolve("d.test", clock_type::now() + 10s),
            [&](std::exception_ptr, dns::answer answer) { found = answer.addresses.size(); });
        const int before = server.questions;
        test::run_until(loop, [&] { return server.questions > before; });
        std::ofstream{path} << "nameserver 127.0.0.2  \n";
        ask(names, "e.test");
        test::run_until(loop, [&] { return found == 1; });
    }
    std::filesystem::remove(path);
}

#include "logagent/etcd/client.hpp"

#include <filesystem>
#include <fstream>

#include "etcd/gateway_fixture.hpp"
#include "support/test.hpp"

namespace etcd = logagent::etcd;
namespace test = logagent::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using cause = etcd::error::cause;
using test::fake_gateway;
using test::gateway_fixture;

namespace {

struct password_file {
    password_file() { std::ofstream{path} << "secret\nnot of the password\n"; }
    ~password_file() { std::filesystem::remove(path); }
    std::string path = std::filesystem::temp_directory_path() /
                       ("logagent-password-" + std::to_string(::getpid()));
};

struct user_fixture : gateway_fixture {
    password_file password;
    std::string valid_token = "token-1";
    std::string refusal;  // what a call with another token gets

    user_fixture() {
        options.user = "agent";
        options.password_file = password.path;
        refusal = test::error_answer("401 Unauthorized", 16, "etcdserver: invalid auth token");
        gateway.instead = [this](const fake_gateway::call& seen) -> std::optional<std::string> {
            if (seen.path == "/v3/auth/authenticate" || seen.authorization == valid_token)
                return std::nullopt;
            return refusal;
        };
    }
};

}  // namespace

TEST_CASE_METHOD(gateway_fixture, "a key is put and read back with its revisions", "[etcd]") {
    const std::string bytes{"\0\xff binary", 9};
    const auto put = run(etcd().put("a", bytes));
    REQUIRE(put.has_value());
    CHECK(put->revision == 2);
    CHECK(put->cluster_id == 77);
    const auto read = run(etcd().range(etcd::key_range{"a", false}));
    REQUIRE(read.has_value());
    REQUIRE(read->keys.size() == 1);
    CHECK(read->keys[0].value == bytes);
    CHECK(read->keys[0].mod_revision == 2);
    CHECK(read->keys[0].version == 1);
    CHECK(run(etcd().range(etcd::key_range{"b", false}))->keys.empty());
    for (const auto& call : gateway.calls)
        CHECK(call.has_leader);
}

TEST_CASE_METHOD(gateway_fixture, "a range is read page by page at one revision", "[etcd]") {
    for (int i = 0; i < 10; ++i)
        gateway.put("p/" + std::to_string(i), "v");
    gateway.put("q", "other");
    const auto at = gateway.revision;
    options.page_keys = 4;
    gateway.instead = [&](const fake_gateway::call&) -> std::optional<std::string> {
        if (gateway.calls.size() == 2) gateway.put("q", "changed meanwhile");
        return std::nullopt;
    };
    const auto read = run(etcd().range(etcd::key_range{"p/", true}));
    REQUIRE(read.has_value());
    CHECK(read->keys.size() == 10);
    CHECK(read->header.revision == at);
    REQUIRE(gateway.calls.size() == 3);
    const std::string fixed = "\"revision\":\"" + std::to_string(at) + "\"";
    CHECK(gateway.calls[1].body.find(fixed) != std::string::npos);
    CHECK(gateway.calls[2].body.find(fixed) != std::string::npos);
}

TEST_CASE_METHOD(gateway_fixture, "pages shrink until an answer fits, and the whole is limited",
                 "[etcd]") {
    for (int i = 0; i < 8; ++i)
        gateway.put("p/" + std::to_string(i), std::string(10'000, 'v'));
    options.answer_limit = 40'000;
    const auto read = run(etcd().range(etcd::key_range{"p/", true}));
    REQUIRE(read.has_value());
    CHECK(read->keys.size() == 8);

    client.reset();
    options.range_limit = 70'000;
    const auto limited = run(etcd().range(etcd::key_range{"p/", true}));
    CHECK(limited.error().why == cause::too_large);
}

TEST_CASE_METHOD(gateway_fixture, "a transaction runs the side that its conditions choose",
                 "[etcd]") {
    etcd::txn_request create;
    create.conditions.push_back(
        {"a", etcd::compare::target::version, etcd::compare::relation::equal, 0, ""});
    etcd::operation put;
    put.what = etcd::operation::kind::put;
    put.keys.key = "a";
    put.value = "1";
    create.then.push_back(put);
    etcd::operation get;
    get.keys.key = "a";
    create.otherwise.push_back(get);
    CHECK(run(etcd().txn(create))->succeeded);
    const auto second = run(etcd().txn(create));
    REQUIRE(second.has_value());
    CHECK_FALSE(second->succeeded);
    CHECK(second->answers.at(0).keys.at(0).value == "1");
}

TEST_CASE_METHOD(gateway_fixture, "a lease is granted, kept, revoked, and known to be gone",
                 "[etcd]") {
    const auto lease = run(etcd().grant(30s));
    REQUIRE(lease.has_value());
    CHECK(lease->id > 0);
    CHECK(run(etcd().keep_alive(lease->id))->ttl == 30s);
    CHECK(run(etcd().keep_alive(4)).error().why == cause::not_found);
    CHECK(run(etcd().revoke(lease->id)).has_value());
}

TEST_CASE_METHOD(user_fixture, "a user logs in once and sends the token", "[etcd]") {
    REQUIRE(run(etcd().put("a", "1")).has_value());
    REQUIRE(run(etcd().put("a", "2")).has_value());
    CHECK(gateway.count("/v3/auth/authenticate") == 1);
    CHECK(gateway.calls[0].body == R"({"name":"agent","password":"secret"})");
    CHECK(gateway.calls[1].authorization == "token-1");
}

TEST_CASE_METHOD(user_fixture, "an expired token is renewed inside the call", "[etcd]") {
    REQUIRE(run(etcd().put("a", "1")).has_value());
    valid_token = "token-2";
    SECTION("refused with a status") {}
    SECTION("refused as an empty user name") {
        refusal = test::error_answer("400 Bad Request", 3, "etcdserver: user name is empty");
    }
    SECTION("refused by closing the connection") {
        refusal.clear();
    }
    CHECK(run(etcd().put("a", "2")).has_value());
    CHECK(gateway.count("/v3/auth/authenticate") == 2);
}

TEST_CASE_METHOD(user_fixture, "a token that never works is tried once again, then reported",
                 "[etcd]") {
    valid_token = "none";
    const auto put = run(etcd().put("a", "1"));
    CHECK(put.error().why == cause::auth);
    CHECK(put.error().text ==
          "etcd put at " + gateway.address() + ": etcdserver: invalid auth token");
    CHECK(gateway.count("/v3/auth/authenticate") == 2);
}

TEST_CASE_METHOD(user_fixture, "a wrong password and a missing file are told apart", "[etcd]") {
    gateway.instead = [](const fake_gateway::call&) {
        return test::error_answer("400 Bad Request", 3,
                                  "etcdserver: authentication failed, invalid user ID or password");
    };
    const auto wrong = run(etcd().put("a", "1"));
    CHECK(wrong.error().why == cause::auth);
    CHECK(wrong.error().text.find("etcd log-in at") == 0);
    CHECK(wrong.error().text.find("secret") == std::string::npos);
    client.reset();
    options.password_file = "/nowhere/password";
    CHECK(run(etcd().put("a", "1")).error().text ==
          "etcd log-in: cannot read the password file /nowhere/password: No such file or "
          "directory");
}

TEST_CASE_METHOD(user_fixture, "a configured user does no harm while etcd has no authentication",
                 "[etcd]") {
    gateway.instead = [](const fake_gateway::call& seen) -> std::optional<std::string> {
        if (seen.path != "/v3/auth/authenticate") return std::nullopt;
        return test::error_answer("412 Precondition Failed", 9,
                                  "etcdserver: authentication is not enabled");
    };
    CHECK(run(etcd().put("a", "1")).has_value());
    CHECK(run(etcd().put("a", "2")).has_value());
    CHECK(gateway.count("/v3/auth/authenticate") == 1);
}

TEST_CASE_METHOD(gateway_fixture, "odd answers become errors with a cause", "[etcd]") {
    std::string odd;
    cause expected = cause::protocol;
    std::string part;
    SECTION("a certificate with a CommonName") {
        odd = test::http_answer(
            "CommonName of client sending a request against gateway will be ignored and not used "
            "as "
            "expected",
            "400 Bad Request");
        expected = cause::auth;
        part = "use one without a CommonName";
    }
    SECTION("a redirect") {
        odd = test::http_answer("", "302 Found", "Location: http://elsewhere/\r\n");
        part = "HTTP status 302";
    }
    SECTION("no JSON") {
        odd = test::http_answer("<html>");
        part = "expected a JSON object";
    }
    SECTION("broken JSON") {
        odd = test::http_answer("{\"kvs\":[");
        part = "cut off";
    }
    SECTION("wrong types") {
        odd = test::http_answer("{\"kvs\":7}");
        part = "'kvs' has the wrong type";
    }
    SECTION("compacted") {
        odd = test::error_answer("400 Bad Request", 11,
                                 "etcdserver: mvcc: required revision has been compacted");
        expected = cause::compacted;
        part = "compacted";
    }
    SECTION("no leader") {
        odd = test::error_answer("503 Service Unavailable", 14, "etcdserver: no leader");
        expected = cause::no_leader;
        part = "no leader";
    }
    gateway.instead = [&](const fake_gateway::call&) { return odd; };
    const auto read = run(etcd().range(etcd::key_range{"a", false}));
    REQUIRE(read.has_error());
    CHECK(read.error().why == expected);
    INFO(read.error().text);
    CHECK(read.error().text.find(part) != std::string::npos);
    CHECK(read.error().text.starts_with("etcd range"));
}

TEST_CASE_METHOD(gateway_fixture, "an endpoint that does not answer is left for another one",
                 "[etcd]") {
    std::uint16_t dead = 0;
    {
        fake_gateway gone{loop};
        dead = gone.port();
    }
    options.endpoints = {{"127.0.0.1", dead, false}, {"127.0.0.1", gateway.port(), false}};
    for (options.seed = 0; options.seed < 10; ++options.seed) {
        client.reset();
        CHECK(run(etcd().put("a", "1")).has_value());
        CHECK(run(etcd().put("a", "2")).has_value());
    }
}

TEST_CASE_METHOD(gateway_fixture,
                 "what may have been executed is asked again elsewhere only if it is a read",
                 "[etcd]") {
    fake_gateway second{loop};
    for (auto* one : {&gateway, &second})
        one->instead = [](const fake_gateway::call&) { return std::string{}; };
    options.endpoints = {{"127.0.0.1", gateway.port(), false}, {"127.0.0.1", second.port(), false}};
    CHECK(run(etcd().put("a", "1")).error().why == cause::unreachable);
    CHECK(gateway.calls.size() + second.calls.size() == 1);
    client.reset();
    CHECK(run(etcd().range(etcd::key_range{"a", false})).error().why == cause::unreachable);
    CHECK(gateway.calls.size() + second.calls.size() == 3);
}

TEST_CASE_METHOD(gateway_fixture, "every call ends at its deadline", "[etcd]") {
    options.timeout = 30ms;
    test::scripted_server mute{loop, [](auto& one) { return one.until_closed(); }};
    options.endpoints = {{"127.0.0.1", mute.port(), false}};
    const auto begin = std::chrono::steady_clock::now();
    const auto put = run(etcd().put("a", "1"));
    CHECK(put.error().why == cause::unreachable);
    CHECK(put.error().text.find("no answer in time") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

#include "web/token.hpp"

#include "support/test.hpp"
#include "web/credentials.hpp"
#include "web/login_limiter.hpp"

namespace web = logagent::web;
using namespace std::chrono_literals;

namespace {

struct token_fixture {
    const std::string secret = web::new_token();
    web::token_record record;
    web::credentials known;

    token_fixture() {
        record.id = "t1";
        record.name = "ci";
        record.allowed = web::role::editor;
        record.services = {"shop*"};
        record.sha256 = web::sha256_hex(secret);
    }
};

}  // namespace

TEST_CASE("a token is told from a mistyped one", "[web]") {
    const auto token = web::new_token();
    CHECK(token.size() == 53);
    CHECK(token.starts_with("lgw_"));
    CHECK(web::looks_like_token(token));
    CHECK(web::new_token() != token);
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto mistyped = token;
        mistyped[i] = mistyped[i] == 'A' ? 'B' : 'A';
        CHECK_FALSE(web::looks_like_token(mistyped));
    }
    CHECK_FALSE(web::looks_like_token(""));
    CHECK_FALSE(web::looks_like_token(token.substr(0, 47)));
    CHECK(web::sha256_hex("abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE_METHOD(token_fixture, "a token is stored without what opens it", "[web]") {
    const auto stored = web::to_json(record);
    CHECK(stored.find(secret) == stored.npos);
    known.put_token("t1", stored, 7);
    const auto* found = known.by_token(secret, 0);
    REQUIRE(found);
    CHECK(found->id == "t1");
    CHECK(found->allowed == web::role::editor);
    CHECK(found->services == std::vector<std::string>{"shop*"});
    CHECK(found->mod_revision == 7);
    CHECK(known.by_token(web::new_token(), 0) == nullptr);
    known.remove_token("t1");
    CHECK(known.by_token(secret, 0) == nullptr);
}

TEST_CASE_METHOD(token_fixture, "an expired token opens nothing", "[web]") {
    record.expires_ms = 1000;
    known.put_token("t1", web::to_json(record), 1);
    CHECK(known.by_token(secret, 999));
    CHECK(known.by_token(secret, 1000) == nullptr);
}

TEST_CASE_METHOD(token_fixture, "a stored token that cannot be read opens nothing", "[web]") {
    const auto good = web::to_json(record);
    known.put_token("t1", good, 1);
    for (std::string bad : {std::string{}, std::string{"[]"}, std::string{"{}"}}) {
        known.put_token("t1", bad, 2);
        CHECK(known.by_token(secret, 0) == nullptr);
        known.put_token("t1", good, 3);
    }
    auto odd_role = good;
    odd_role.replace(odd_role.find("editor"), 6, "owner!");
    known.put_token("t1", odd_role, 4);
    CHECK(known.by_token(secret, 0) == nullptr);
}

TEST_CASE_METHOD(token_fixture, "a session ends with its time and with its token", "[web]") {
    known.put_token("t1", web::to_json(record), 1);
    known.put_session(web::sha256_hex("cookie"), web::to_json(web::session_record{"t1", 1000}));
    REQUIRE(known.by_cookie("cookie", 999));
    CHECK(known.by_cookie("cookie", 999)->id == "t1");
    CHECK(known.by_cookie("other", 999) == nullptr);
    CHECK(known.by_cookie(web::sha256_hex("cookie"), 999) == nullptr);
    CHECK(known.by_cookie("cookie", 1000) == nullptr);
    CHECK(known.cookie_ends_ms("cookie", 999) == 1000);
    CHECK(known.cookie_ends_ms("cookie", 1000) == 0);
    CHECK(known.cookie_ends_ms("other", 999) == 0);
    auto shorter = record;
    shorter.expires_ms = 900;
    known.put_token("t1", web::to_json(shorter), 2);
    CHECK(known.cookie_ends_ms("cookie", 899) == 900);
    known.put_token("t1", web::to_json(record), 3);
    known.remove_token("t1");
    CHECK(known.by_cookie("cookie", 999) == nullptr);
}

TEST_CASE("whoever guesses has to wait longer and longer", "[web]") {
    web::login_limiter limiter;
    const web::login_limiter::clock::time_point start{1h};
    for (int i = 0; i < 4; ++i)
        limiter.failed("a", start);
    CHECK(limiter.wait("a", start) == 0s);
    limiter.failed("a", start);
    CHECK(limiter.wait("a", start) == 1s);
    CHECK(limiter.wait("b", start) == 0s);
    CHECK(limiter.wait("a", start + 1s) == 0s);
    limiter.failed("a", start + 1s);
    CHECK(limiter.wait("a", start + 1s) == 2s);
    for (int i = 0; i < 20; ++i)
        limiter.failed("a", start + 2s);
    CHECK(limiter.wait("a", start + 2s) == 60s);

    SECTION("a right token ends it") {
        limiter.succeeded("a");
        CHECK(limiter.wait("a", start + 2s) == 0s);
    }
    SECTION("a quarter of an hour ends it") {
        limiter.failed("a", start + 16min);
        CHECK(limiter.wait("a", start + 16min) == 0s);
    }
    SECTION("it remembers a limited number of addresses") {
        for (int i = 0; i < 10'100; ++i)
            limiter.failed("x" + std::to_string(i), start + 3s + std::chrono::milliseconds{i});
        CHECK(limiter.size() == 10'000);
    }
}

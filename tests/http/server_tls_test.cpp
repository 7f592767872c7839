#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>

#include "certificates.hpp"
#include "logagent/http/event_stream.hpp"
#include "logagent/http/server.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace http = logagent::http;
namespace test = logagent::test;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

/// What a client has got, and how it ended.
struct talk {
    boost::system::error_code handshake;
    boost::system::error_code end;
    std::string protocol;  // by ALPN
    std::string answer;
};

/// Two lines of events and then the end.
class short_stream final : public http::event_stream {
public:
    using event_stream::event_stream;
    asio::awaitable<std::string> next(clock::time_point) override {
        ++given;
        co_return "data: " + std::to_string(given) + "\n\n";
    }
    bool ended() const override { return given == 2; }
    void cut() override {}
    int given = 0;
};

struct tls_fixture {
    asio::io_context loop;
    test::certificates files{"web.test"};
    fs::path cert = files.server_file() + ".crt";  // files that a test may replace
    fs::path key = files.server_file() + ".key";
    http::server_options options;
    std::vector<http::route> routes;
    std::vector<std::string> handshakes;
    std::optional<http::server> server;
    std::optional<test::background> running;

    tls_fixture() {
        install(files);
        options.listen = "127.0.0.1:0";
        options.tls = {cert, key, {}};
        options.report_handshake = [this](const std::string& text) { handshakes.push_back(text); };
        routes.push_back(
            {"GET", "/hello", [](const http::request&) { return http::plain_text(200, "hello"); }});
        routes.push_back({"POST", "/small",
                          [](const http::request&) { return http::plain_text(200, "small"); },
                          100});
        routes.push_back({"GET", "/large", [](const http::request&) {
                              return http::plain_text(200, std::string(3 << 20, 'x'));
                          }});
        routes.push_back({"GET", "/events", [](const http::request&) {
                              return http::stream_of(
                                  std::make_shared<short_stream>(http::event_stream::limits{}));
                          }});
    }
    ~tls_fixture() {
        if (running) running->stop();
        fs::remove(cert);
        fs::remove(key);
    }

    /// Both are in one file there, which is right for either.
    void install(const test::certificates& from) {
        copy(from.server_file(), cert);
        copy(from.server_file(), key);
    }
    static void copy(const std::string& from, const fs::path& to) {
        fs::copy_file(from, to, fs::copy_options::overwrite_existing);
        fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
    }

    std::string prepare() {
        server.emplace(loop.get_executor(), options, routes);
        return server->prepare_tls();
    }
    void start() {
        REQUIRE(prepare() == "");
        REQUIRE(server->listen() == "");
        running.emplace(loop, server->run());
    }

    tcp::socket connect() {
        tcp::socket socket{loop};
        socket.connect(server->local_endpoint());
        return socket;
    }

    static asio::ssl::context client_context(const test::certificates& trusted) {
        asio::ssl::context out{asio::ssl::context::tls_client};
        out.load_verify_file(trusted.ca_file());
        out.set_verify_mode(asio::ssl::verify_peer);
        return out;
    }

    talk say(std::string text) {
        auto context = client_context(files);
        return say(std::move(text), context);
    }
    talk say(std::string text, asio::ssl::context& context) {
        asio::ssl::stream<tcp::socket> stream{connect(), context};
        return test::run(loop, exchange(stream, std::move(text)));
    }

    static asio::awaitable<talk> exchange(asio::ssl::stream<tcp::socket>& stream,
                                          std::string text) {
        talk out;
        co_await stream.async_handshake(asio::ssl::stream_base::client,
                                        asio::redirect_error(asio::use_awaitable, out.handshake));
        if (out.handshake) co_return out;
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(stream.native_handle(), &chosen, &size);
        out.protocol.assign(reinterpret_cast<const char*>(chosen), size);
        co_await asio::async_write(stream, asio::buffer(text),
                                   asio::redirect_error(asio::use_awaitable, out.end));
        co_await asio::async_read(stream, asio::dynamic_buffer(out.answer),
                                  asio::redirect_error(asio::use_awaitable, out.end));
        co_return out;
    }

    /// Sends `text` without TLS and reads until the server closes.
    std::string say_plain(std::string text) {
        auto socket = connect();
        const auto task = [](tcp::socket& on, std::string what) -> asio::awaitable<std::string> {
            boost::system::error_code ended;
            std::string answer;
            co_await asio::async_write(on, asio::buffer(what),
                                       asio::redirect_error(asio::use_awaitable, ended));
            co_await asio::async_read(on, asio::dynamic_buffer(answer),
                                      asio::redirect_error(asio::use_awaitable, ended));
            co_return answer;
        };
        return test::run(loop, task(socket, std::move(text)));
    }
};

std::string get(const std::string& path, const std::string& host = "web.test") {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE_METHOD(tls_fixture, "a server with a certificate speaks TLS 1.2 and 1.3 and says so",
                 "[http]") {
    start();
    auto context = client_context(files);
    SECTION("TLS 1.3") {}
    SECTION("TLS 1.2") {
        SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
    }
    static constexpr unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context.native_handle(), protocols, sizeof protocols - 1);
    const auto got = say(get("/hello"), context);
    CHECK_FALSE(got.handshake);
    CHECK(got.protocol == "http/1.1");
    CHECK(got.answer.starts_with("HTTP/1.1 200"));
    CHECK(contains(got.answer, "\r\nStrict-Transport-Security: max-age=31536000\r\n"));
    // A farewell, so that a client can tell the end from a cut.
    CHECK(got.end == asio::error::eof);
    CHECK(server->counters().handshake_failures == 0);
}

TEST_CASE_METHOD(tls_fixture, "old TLS, weak ciphers and other protocols are refused", "[http]") {
    start();
    auto context = client_context(files);
    SSL_CTX* const native = context.native_handle();
    SECTION("TLS 1.1") {
        SSL_CTX_set_security_level(native, 0);
        SSL_CTX_set_min_proto_version(native, TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(native, TLS1_1_VERSION);
    }
    SECTION("a cipher without forward secrecy or authentication") {
        SSL_CTX_set_max_proto_version(native, TLS1_2_VERSION);
        REQUIRE(SSL_CTX_set_cipher_list(native, "ECDHE-ECDSA-AES256-SHA:AES256-SHA") == 1);
    }
    SECTION("HTTP/2 alone") {
        static constexpr unsigned char protocols[] = "\x02h2";
        SSL_CTX_set_alpn_protos(native, protocols, sizeof protocols - 1);
    }
    CHECK(say(get("/hello"), context).handshake);
    CHECK(server->counters().handshake_failures == 1);
    REQUIRE(handshakes.size() == 1);
    CHECK(handshakes[0].starts_with("no TLS with 127.0.0.1: "));
}

TEST_CASE_METHOD(tls_fixture, "large answers, refused bodies and events pass through TLS whole",
                 "[http]") {
    start();
    const auto large = say(get("/large"));
    CHECK(large.answer.size() > (3u << 20));
    CHECK(large.end == asio::error::eof);
    const auto refused =
        say("POST /small HTTP/1.1\r\nHost: web.test\r\nContent-Length: 200000\r\n\r\n" +
            std::string(200'000, 'x'));
    CHECK(refused.answer.starts_with("HTTP/1.1 413"));
    const auto events = say(get("/events"));
    CHECK(contains(events.answer, "data: 1\n\n"));
    CHECK(contains(events.answer, "data: 2\n\n"));
    CHECK(events.answer.ends_with("0\r\n\r\n"));
}

TEST_CASE_METHOD(tls_fixture, "plain HTTP on a port of TLS is told so at once", "[http]") {
    start();
    const auto answer = say_plain(get("/hello"));
    CHECK(answer.starts_with("HTTP/1.1 400"));
    CHECK(contains(answer, "This port speaks TLS only: use https://"));
    CHECK_FALSE(contains(answer, "Strict-Transport-Security"));
    CHECK(server->counters().handshake_failures == 1);
    // What is neither is cut off.
    CHECK_FALSE(contains(say_plain(std::string(64, '\0')), "HTTP"));
    CHECK(say(get("/hello")).answer.starts_with("HTTP/1.1 200"));
}

TEST_CASE_METHOD(tls_fixture, "a slow handshake ends in time, and gives its place away before",
                 "[http]") {
    options.max_connections = 2;
    SECTION("its deadline") {
        options.handshake_timeout = 50ms;
        start();
        CHECK(say_plain("").empty());  // until the server closes
        CHECK(say_plain("\x16\x03\x01").empty());
        CHECK(server->counters().handshake_failures == 2);
        REQUIRE_FALSE(handshakes.empty());
        CHECK(handshakes.back() == "no TLS with 127.0.0.1: it was not done in time");
    }
    SECTION("its place") {
        options.handshake_timeout = 60s;
        start();
        auto first = connect();
        auto second = connect();
        asio::write(second, asio::buffer("\x16\x03\x01", 3));
        test::run_until(loop, [&] { return server->counters().connections == 2; });
        CHECK(say(get("/hello")).answer.starts_with("HTTP/1.1 200"));
        CHECK(say(get("/hello")).answer.starts_with("HTTP/1.1 200"));
        CHECK(server->counters().refused_connections == 0);
    }
}

TEST_CASE_METHOD(tls_fixture, "under TLS a Host is served that the certificate is for", "[http]") {
    start();
    const auto status = [&](const std::string& host) {
        return say(get("/hello", host)).answer.substr(9, 3);
    };
    CHECK(status("web.test") == "200");
    CHECK(status("WEB.test:9480") == "200");
    CHECK(status("127.0.0.1:1") == "200");
    CHECK(status("localhost") == "200");
    CHECK(status("[fd00::7]:9480") == "200");
    CHECK(status("evil.test") == "421");
    CHECK(status("web.test.evil.test") == "421");
    CHECK_FALSE(contains(say(get("/hello", "localhost:9480")).answer, "Strict-Transport"));
}

TEST_CASE_METHOD(tls_fixture, "a new pair is taken once it is whole, a broken one is not",
                 "[http]") {
    start();
    CHECK_FALSE(server->reload_tls(false).tried);
    const test::certificates other{"web.test"};
    const auto trusts = [&](const test::certificates& ca) {
        auto context = client_context(ca);
        return !say(get("/hello"), context).handshake;
    };
    copy(other.server_file(), cert);               // its key is still the old one
    CHECK_FALSE(server->reload_tls(false).tried);  // it may not be finished
    const auto half = server->reload_tls(false);
    CHECK(half.tried);
    CHECK(half.failure ==
          "the key " + key.string() + " does not belong to the certificate " + cert.string());
    CHECK_FALSE(server->reload_tls(false).tried);
    CHECK(trusts(files));
    CHECK_FALSE(trusts(other));

    copy(other.server_file(), key);
    CHECK_FALSE(server->reload_tls(false).tried);
    const auto whole = server->reload_tls(false);
    CHECK(whole.tried);
    CHECK(whole.failure.empty());
    CHECK(trusts(other));
    CHECK_FALSE(trusts(files));

    install(files);
    CHECK(server->reload_tls(true).failure.empty());
    CHECK(trusts(files));
    fs::remove(cert);
    CHECK(server->reload_tls(true).failure ==
          "cannot read the certificate " + cert.string() + ": No such file or directory");
    CHECK(trusts(files));
}

TEST_CASE_METHOD(tls_fixture, "what is wrong with the files of TLS is said in one sentence",
                 "[http]") {
    const auto write = [](const fs::path& to, std::string_view text) { std::ofstream{to} << text; };
    SECTION("nothing") {
        CHECK(prepare().empty());
        const auto shown = server->certificate();
        REQUIRE(shown);
        CHECK(shown->ends - shown->begins == 86400 + 3600);
        CHECK(shown->warning.empty());
    }
    SECTION("a key that others can read") {
        fs::permissions(key, fs::perms::group_read, fs::perm_options::add);
        CHECK(prepare().empty());
        CHECK(server->certificate()->warning ==
              key.string() + " can be read by others; chmod 600 it");
    }
    SECTION("no certificate in it") {
        write(cert, "hello\n");
        CHECK(prepare().starts_with("the certificate " + cert.string() + " is not one in PEM: "));
    }
    SECTION("no key in it") {
        write(key, "hello\n");
        CHECK(prepare().starts_with("the key " + key.string() + " is not one in PEM: "));
    }
    SECTION("a key with a passphrase") {
        write(key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
        CHECK(prepare() ==
              "the key " + key.string() + " has a passphrase; allowed: a key in PEM without one");
    }
    SECTION("somebody else's key") {
        const test::certificates other{"web.test"};
        copy(other.server_file(), key);
        CHECK(prepare() ==
              "the key " + key.string() + " does not belong to the certificate " + cert.string());
    }
    SECTION("a key of another kind") {
        EVP_PKEY* const rsa = EVP_RSA_gen(2048);
        std::FILE* const file = std::fopen(key.c_str(), "w");
        PEM_write_PrivateKey(file, rsa, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        EVP_PKEY_free(rsa);
        CHECK(prepare() ==
              "the key " + key.string() + " does not belong to the certificate " + cert.string());
    }
    SECTION("a directory") {
        options.tls.key_file = fs::temp_directory_path();
        CHECK(prepare() ==
              "cannot read the key " + options.tls.key_file + " is not a regular file");
    }
    SECTION("no CA of clients") {
        options.tls.client_ca_file = "/nowhere/ca.pem";
        CHECK(prepare() ==
              "cannot read the CA of clients /nowhere/ca.pem: No such file or directory");
    }
}

TEST_CASE_METHOD(tls_fixture, "with a CA of clients only theirs are served", "[http]") {
    options.tls.client_ca_file = files.ca_file();
    start();
    auto context = client_context(files);
    SECTION("none") {
        CHECK(say(get("/hello"), context).answer.empty());
        CHECK(server->counters().handshake_failures == 1);
    }
    SECTION("of another CA") {
        const test::certificates other{"web.test"};
        context.use_certificate_chain_file(other.client_file());
        context.use_private_key_file(other.client_file(), asio::ssl::context::pem);
        CHECK(say(get("/hello"), context).answer.empty());
    }
    SECTION("the right one") {
        context.use_certificate_chain_file(files.client_file());
        context.use_private_key_file(files.client_file(), asio::ssl::context::pem);
        CHECK(say(get("/hello"), context).answer.starts_with("HTTP/1.1 200"));
    }
}

TEST_CASE_METHOD(tls_fixture, "a stop ends open connections of TLS, in the middle of anything",
                 "[http]") {
    start();
    auto silent = connect();
    auto half = connect();
    asio::write(half, asio::buffer("\x16\x03\x01", 3));
    auto context = client_context(files);
    asio::ssl::stream<tcp::socket> idle{connect(), context};
    test::run(loop, idle.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable));
    test::run_until(loop, [&] { return server->counters().connections == 3; });
    CHECK(running->stop() < 1s);
    CHECK(server->counters().connections == 0);
}

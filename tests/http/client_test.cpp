#include "logagent/http/client.hpp"

#include "logagent/http/upload.hpp"

#include "dns/fake_name_server.hpp"
#include "http/certificates.hpp"
#include "http/scripted_server.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace http = logagent::http;
namespace dns = logagent::dns;
namespace test = logagent::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using cause = http::error::cause;
using test::scripted_connection;

namespace {

struct client_fixture {
    asio::io_context loop;
    test::fake_name_server name_server{loop};
    dns::resolver names{loop.get_executor(), resolver_options()};
    http::client_options options;

    dns::resolver_options resolver_options() {
        dns::resolver_options made;
        made.servers = name_server.address();
        made.try_timeout = 100ms;
        return made;
    }

    http::result<http::response> send(http::endpoint to, http::request what = {},
                                      std::chrono::milliseconds patience = 5s) {
        http::client client{loop.get_executor(), names, options};
        return test::run(loop, client.send(to, what, http::client::clock::now() + patience));
    }

    http::result<http::response> upload(http::endpoint to, http::request what,
                                        http::body_slices body) {
        http::uploader uploader{loop.get_executor(), names, options};
        return test::run(loop, uploader.send(to, what, body, http::client::clock::now() + 5s));
    }

    static http::endpoint at(const test::scripted_server& server,
                             const std::string& host = "127.0.0.1", bool tls = false) {
        return {host, server.port(), tls};
    }
};

asio::awaitable<void> answer_each(scripted_connection& connection, std::string text) {
    for (;;) {
        const auto request = co_await connection.request();
        co_await connection.send(text);
    }
}

}  // namespace

TEST_CASE_METHOD(client_fixture, "a request goes out with Host and length, the answer comes back",
                 "[http]") {
    std::string seen;
    auto script = [&](scripted_connection& connection) -> asio::awaitable<void> {
        seen = co_await connection.request();
        std::string text = test::http_answer("{}", "201 Created", "X-Mark: 7\r\n");
        co_await connection.send(std::move(text));
    };
    test::scripted_server server{loop, script};
    http::request what;
    what.method = "POST";
    what.target = "/v3/kv/range";
    what.body = "{\"key\":\"\"}";
    what.fields.push_back({"Authorization", "token\r\nX-Evil: 1"});
    const auto answer = send(at(server), what);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 201);
    CHECK(answer->body == "{}");
    CHECK(http::find(answer->fields, "x-mark") == "7");
    CHECK(seen.starts_with("POST /v3/kv/range HTTP/1.1\r\n"));
    CHECK(seen.find("Host: " + server.address() + "\r\n") != std::string::npos);
    CHECK(seen.find("Authorization: tokenX-Evil: 1\r\n") != std::string::npos);
    CHECK(seen.ends_with("\r\n\r\n{\"key\":\"\"}"));
}

TEST_CASE_METHOD(client_fixture, "a body is sent as it is made, and the connection is used again",
                 "[http]") {
    options.keep_idle = 10s;
    std::vector<std::string> bodies;
    auto script = [&](scripted_connection& connection) -> asio::awaitable<void> {
        for (;;) {
            const auto seen = co_await connection.request();
            CHECK(seen.find("Content-Length") == std::string::npos);
            bodies.push_back(test::unchunked(seen));
            std::string text = test::http_answer("{}");
            co_await connection.send(std::move(text));
        }
    };
    test::scripted_server server{loop, script};
    http::uploader uploader{loop.get_executor(), names, options};
    std::string whole;
    for (int i = 0; i < 2; ++i) {
        http::request what;
        what.method = "PUT";
        int left = i == 0 ? 5 : 0;  // the second body is empty
        http::body_slices body = [&whole, left]() mutable {
            std::string slice(left-- > 0 ? std::size_t{70'000} : std::size_t{0}, 'x');
            whole += slice;
            return slice;
        };
        const auto answer =
            test::run(loop, uploader.send(at(server), what, body, http::client::clock::now() + 5s));
        REQUIRE(answer.has_value());
    }
    CHECK(bodies == std::vector<std::string>{whole, ""});
    CHECK(whole.size() == 350'000);
    CHECK(server.accepted == 1);
}

TEST_CASE_METHOD(client_fixture, "answers that only say to go on are left out", "[http]") {
    options.keep_idle = 10s;
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto text = go_on + "HTTP/1.1 102 Processing\r\nX-Mark: no\r\n\r\n" +
                      test::http_answer("{}", "201 Created", "X-Mark: yes\r\n");
    test::scripted_server server{loop, [&](auto& c) { return answer_each(c, text); }};
    http::client client{loop.get_executor(), names, options};
    for (int i = 0; i < 2; ++i) {
        const auto answer =
            test::run(loop, client.send(at(server), {}, http::client::clock::now() + 5s));
        REQUIRE(answer.has_value());
        CHECK(answer->status == 201);
        CHECK(answer->body == "{}");
        CHECK(http::find(answer->fields, "x-mark") == "yes");
    }
    CHECK(server.accepted == 1);
}

TEST_CASE_METHOD(client_fixture, "a body whose source fails breaks off and ends the call",
                 "[http]") {
    bool ended_well = false;
    auto script = [&](scripted_connection& connection) -> asio::awaitable<void> {
        const auto seen = co_await connection.request();
        ended_well = true;
    };
    test::scripted_server server{loop, script};
    http::request what;
    what.method = "PUT";
    http::body_slices body = [pieces = 0]() mutable -> std::string {
        if (++pieces == 3) throw std::runtime_error{"disk"};
        return "piece";
    };
    CHECK_THROWS_WITH(upload(at(server), what, body), "disk");
    test::run_until(loop, [&] { return server.ended == 1; });
    CHECK_FALSE(ended_well);
}

TEST_CASE_METHOD(client_fixture, "an answer that comes before the end of the body is read",
                 "[http]") {
    options.keep_idle = 10s;
    auto script = [](scripted_connection& connection) -> asio::awaitable<void> {
        std::vector<char> piece(1000);
        co_await connection.socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
        std::string text = test::http_answer("{}", "403 Forbidden");
        co_await connection.send(std::move(text));
        connection.socket.shutdown(asio::socket_base::shutdown_send);
        co_await connection.until_closed();
    };
    test::scripted_server server{loop, script};
    http::request what;
    what.method = "PUT";
    http::body_slices body = [left = 200]() mutable {
        return std::string(left-- > 0 ? std::size_t{64 << 10} : std::size_t{0}, 'x');
    };
    const auto answer = upload(at(server), what, body);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 403);
}

TEST_CASE_METHOD(client_fixture, "a chunked answer is put together, however it is cut", "[http]") {
    auto script = [&](scripted_connection& connection) -> asio::awaitable<void> {
        const auto request = co_await connection.request();
        const std::string text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
            "3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX-End: 1\r\n\r\n";
        for (const char one : text) {
            std::string piece(1, one);
            co_await connection.send(std::move(piece));
        }
    };
    test::scripted_server server{loop, script};
    const auto answer = send(at(server));
    REQUIRE(answer.has_value());
    CHECK(answer->body == "abcdefgh");
}

TEST_CASE_METHOD(client_fixture, "each way to fail has its cause and a sentence", "[http]") {
    SECTION("nobody listens") {
        std::uint16_t port = 0;
        {
            test::scripted_server gone{loop, [](auto& c) { return answer_each(c, ""); }};
            port = gone.port();
        }
        const auto answer = send({"127.0.0.1", port, false});
        CHECK(answer.error().why == cause::connect);
        CHECK(answer.error().text == "127.0.0.1:" + std::to_string(port) + ": Connection refused");
    }
    SECTION("no such name") {
        const auto answer = send({"nobody.test.", 80, false});
        CHECK(answer.error().why == cause::name);
        CHECK(answer.error().text.starts_with("nobody.test.:80: cannot resolve nobody.test."));
    }
    SECTION("no answer") {
        test::scripted_server server{loop, [](auto& c) { return c.until_closed(); }};
        const auto answer = send(at(server), {}, 30ms);
        CHECK(answer.error().why == cause::timeout);
        CHECK(answer.error().text ==
              server.address() + ": no answer in time while waiting for the answer");
    }
    SECTION("closed before the head") {
        auto script = [](scripted_connection& connection) -> asio::awaitable<void> {
            const auto request = co_await connection.request();
            co_await connection.send("HTTP/1.1 200");
        };
        test::scripted_server server{loop, script};
        CHECK(send(at(server)).error().why == cause::closed);
    }
    SECTION("closed in the body") {
        auto script = [](scripted_connection& connection) -> asio::awaitable<void> {
            const auto request = co_await connection.request();
            co_await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
        };
        test::scripted_server server{loop, script};
        CHECK(send(at(server)).error().why == cause::broken);
    }
    SECTION("something else than HTTP") {
        test::scripted_server server{loop,
                                     [](auto& c) { return answer_each(c, "SSH-2.0\r\n\r\n"); }};
        CHECK(send(at(server)).error().why == cause::protocol);
    }
    SECTION("a body over the limit") {
        options.body_limit = 4;
        const auto text = test::http_answer("12345");
        test::scripted_server server{loop, [&](auto& c) { return answer_each(c, text); }};
        CHECK(send(at(server)).error().why == cause::too_large);
    }
}

TEST_CASE_METHOD(client_fixture, "every address of a name is tried", "[http]") {
    const auto text = test::http_answer("{}");
    test::scripted_server server{loop, [&](auto& c) { return answer_each(c, text); }};
    name_server.names["etcd.test"] = {{"127.0.0.9", "127.0.0.1", "127.0.0.10"}};
    const auto answer = send(at(server, "etcd.test"));
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
}

TEST_CASE_METHOD(client_fixture, "an unused connection is used again only where that is wanted",
                 "[http]") {
    const auto text = test::http_answer("{}");
    test::scripted_server server{loop, [&](auto& c) { return answer_each(c, text); }};
    SECTION("not by default") {
        options.keep_idle = 0ms;
    }
    SECTION("but within keep_idle") {
        options.keep_idle = 10s;
    }
    http::client client{loop.get_executor(), names, options};
    for (int i = 0; i < 3; ++i) {
        const auto deadline = http::client::clock::now() + 5s;
        REQUIRE(test::run(loop, client.send(at(server), http::request{}, deadline)).has_value());
    }
    CHECK(server.accepted == (options.keep_idle > 0ms ? 1 : 3));
}

TEST_CASE_METHOD(client_fixture, "a connection that the peer has closed is not used again",
                 "[http]") {
    auto script = [](scripted_connection& connection) -> asio::awaitable<void> {
        const auto request = co_await connection.request();
        std::string text = test::http_answer("{}");
        co_await connection.send(std::move(text));
    };
    test::scripted_server server{loop, script};
    options.keep_idle = 10s;
    http::client client{loop.get_executor(), names, options};
    for (int i = 1; i <= 2; ++i) {
        const auto deadline = http::client::clock::now() + 5s;
        REQUIRE(test::run(loop, client.send(at(server), http::request{}, deadline)).has_value());
        test::run_until(loop, [&] { return server.ended == i; });
    }
    CHECK(server.accepted == 2);
}

TEST_CASE_METHOD(client_fixture, "a stream is read piece by piece beyond every body limit",
                 "[http]") {
    constexpr std::size_t size = 20 << 20;
    auto script = [](scripted_connection& connection) -> asio::awaitable<void> {
        const auto request = co_await connection.request();
        co_await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (std::size_t sent = 0; sent < size; sent += 1 << 20) {
            std::string piece = "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
            co_await connection.send(std::move(piece));
        }
        co_await connection.send("0\r\n\r\n");
    };
    test::scripted_server server{loop, script};
    options.body_limit = 1000;
    http::client client{loop.get_executor(), names, options};
    auto read_all = [](http::client& from, http::endpoint to) -> asio::awaitable<std::size_t> {
        http::request what;
        const auto deadline = http::client::clock::now() + 5s;
        auto opened = co_await from.open(to, what, deadline);
        std::vector<char> piece(32 << 10);
        std::size_t total = 0;
        for (;;) {
            auto got = co_await (*opened)->read_some(piece);
            if (!got) throw std::runtime_error{got.error().text};
            if (*got == 0) co_return total;
            total += *got;
        }
    };
    CHECK(test::run(loop, read_all(client, at(server))) == size);
}

TEST_CASE_METHOD(client_fixture, "a silent stream ends by close and by stopping its task",
                 "[http]") {
    auto script = [](scripted_connection& connection) -> asio::awaitable<void> {
        const auto request = co_await connection.request();
        co_await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        co_await connection.until_closed();
    };
    test::scripted_server server{loop, script};
    http::client client{loop.get_executor(), names, options};
    const auto deadline = http::client::clock::now() + 5s;
    auto opened = test::run(loop, client.open(at(server), http::request{}, deadline));
    REQUIRE(opened.has_value());
    CHECK((*opened)->head().status == 200);
    CHECK((*opened)->address() == server.address());

    std::optional<cause> ended;
    auto read = [&]() -> asio::awaitable<void> {
        std::vector<char> piece(100);
        auto got = co_await (*opened)->read_some(piece);
        if (!got) ended = got.error().why;
    };
    test::background reading{loop, read()};
    loop.poll();
    SECTION("close") {
        (*opened)->close();
        test::run_until(loop, [&] { return reading.ended(); });
        CHECK(ended == cause::broken);
    }
    SECTION("stop") {
        CHECK(reading.stop() < 1s);
        CHECK_FALSE(ended);
        CHECK(reading.failure());
    }
}

TEST_CASE_METHOD(client_fixture, "TLS checks the certificate and the name in it", "[http]") {
    test::certificates files{"etcd.test"};
    test::certificates strangers{"etcd.test"};
    asio::ssl::context context{asio::ssl::context::tls_server};
    context.use_certificate_chain_file(files.server_file());
    context.use_private_key_file(files.server_file(), asio::ssl::context::pem);
    std::string protocol;
    SSL_CTX_set_alpn_select_cb(
        context.native_handle(),
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned,
           void* seen) {
            *out = in + 1;
            *size = in[0];
            static_cast<std::string*>(seen)->assign(reinterpret_cast<const char*>(in + 1), in[0]);
            return SSL_TLSEXT_ERR_OK;
        },
        &protocol);
    std::string asked_name;
    auto script = [&](scripted_connection& connection) -> asio::awaitable<void> {
        co_await connection.start_tls(context);
        const char* name =
            SSL_get_servername(connection.tls->native_handle(), TLSEXT_NAMETYPE_host_name);
        asked_name = name == nullptr ? "" : name;
        const auto request = co_await connection.request();
        std::string text = test::http_answer("{}");
        co_await connection.send(std::move(text));
    };
    test::scripted_server server{loop, script};
    name_server.names["etcd.test"] = {{"127.0.0.1"}};
    name_server.names["other.test"] = {{"127.0.0.1"}};
    options.tls.ca_file = files.ca_file();

    SECTION("right name") {
        const auto answer = send(at(server, "etcd.test", true));
        REQUIRE(answer.has_value());
        CHECK(answer->status == 200);
        CHECK(asked_name == "etcd.test");
        CHECK(protocol == "http/1.1");
    }
    SECTION("right address") {
        const auto answer = send(at(server, "127.0.0.1", true));
        REQUIRE(answer.has_value());
        CHECK(asked_name.empty());
    }
    SECTION("another name") {
        const auto answer = send(at(server, "other.test", true));
        CHECK(answer.error().why == cause::tls);
        CHECK(answer.error().text.find("hostname mismatch") != std::string::npos);
    }
    SECTION("another authority") {
        options.tls.ca_file = strangers.ca_file();
        const auto answer = send(at(server, "etcd.test", true));
        CHECK(answer.error().why == cause::tls);
        CHECK(answer.error().text.ends_with("certificate signature failure"));
    }
    SECTION("a server that is too old") {
        SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION);
        CHECK(send(at(server, "etcd.test", true)).error().why == cause::tls);
    }
    SECTION("a missing file is named") {
        options.tls.ca_file = "/nowhere/ca.pem";
        const auto answer = send(at(server, "etcd.test", true));
        CHECK(answer.error().text.find("cannot use the CA file /nowhere/ca.pem") !=
              std::string::npos);
    }
    SECTION("a client certificate is sent when the server wants one") {
        context.load_verify_file(files.ca_file());
        context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        CHECK_FALSE(send(at(server, "etcd.test", true)).has_value());
        options.tls.cert_file = files.client_file();
        CHECK(send(at(server, "etcd.test", true)).has_value());
    }
}

TEST_CASE_METHOD(client_fixture, "plain HTTP against TLS fails with a cause", "[http]") {
    const auto text = test::http_answer("{}");
    test::certificates files{"etcd.test"};
    options.tls.ca_file = files.ca_file();
    test::scripted_server server{loop, [&](auto& c) { return answer_each(c, text); }};
    auto tls = at(server);
    tls.tls = true;
    CHECK(send(tls, {}, 200ms).error().why == cause::tls);
}

TEST_CASE("the certificate bundle is the one the environment names, else a known place", "[http]") {
    const char* before = std::getenv("SSL_CERT_FILE");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("SSL_CERT_FILE", "/some/bundle.pem", 1);
    CHECK(http::default_ca_file() == "/some/bundle.pem");
    ::unsetenv("SSL_CERT_FILE");
    const auto found = http::default_ca_file();
    CHECK((found.empty() || std::filesystem::is_regular_file(found)));
    if (before != nullptr) ::setenv("SSL_CERT_FILE", kept.c_str(), 1);
}

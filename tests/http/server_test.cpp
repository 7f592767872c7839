#include "logagent/http/server.hpp"

#include <sys/resource.h>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "http/connection.hpp"
#include "logagent/async/event.hpp"
#include "logagent/http/event_stream.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace http = logagent::http;
namespace test = logagent::test;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

/// Gives what the test puts into it.
class scripted_stream final : public http::event_stream {
public:
    scripted_stream(asio::any_io_executor executor, limits chosen)
        : event_stream{chosen}, news{executor} {}

    asio::awaitable<std::string> next(clock::time_point deadline) override {
        ++asked;
        while (pieces.empty() && !over && clock::now() < deadline)
            co_await news.wait_until(deadline);
        std::string piece;
        if (!pieces.empty()) {
            piece = pieces.front();
            if (!for_ever) pieces.pop_front();
        }
        co_return piece;
    }
    bool ended() const override { return over && pieces.empty(); }
    void cut() override { ++*cuts; }

    void give(std::string piece) {
        pieces.push_back(std::move(piece));
        news.notify();
    }
    void end() {
        over = true;
        news.notify();
    }

    logagent::async::event news;
    std::deque<std::string> pieces;
    int asked = 0;
    int* cuts = nullptr;
    bool over = false;
    bool for_ever = false;  // gives the first piece again and again
};

struct server_fixture {
    asio::io_context loop;
    std::weak_ptr<scripted_stream> stream;
    http::event_stream::limits limits;
    int cuts = 0;
    http::server_options options;
    std::vector<http::route> routes;
    std::vector<std::string> reports;
    int slices_made = 0;
    std::optional<http::server> server;
    std::optional<test::background> running;

    server_fixture() {
        options.listen = "127.0.0.1:0";
        options.report = [this](const std::string& text) { reports.push_back(text); };
        routes.push_back(
            {"GET", "/hello", [](const http::request&) { return http::plain_text(200, "hello"); }});
        routes.push_back(
            {"POST", "/echo",
             [](const http::request& request) { return http::json_text(request.body); }, 100});
        routes.push_back({"GET", "/throws", [](const http::request&) -> http::response {
                              throw std::runtime_error{"secret reason"};
                          }});
        routes.push_back({"GET", "/huge", [this](const http::request&) {
                              http::response made;
                              made.slices = [this, left = 2000]() mutable {
                                  ++slices_made;
                                  return left-- > 0 ? std::string(16 << 10, 'x') : std::string{};
                              };
                              return made;
                          }});
        routes.push_back({"GET", "/events", [this](const http::request&) {
                              auto made =
                                  std::make_shared<scripted_stream>(loop.get_executor(), limits);
                              made->cuts = &cuts;
                              stream = made;
                              return http::stream_of(std::move(made));
                          }});
        routes.push_back(
            {"GET", "/waits/{name}", [](http::request request) -> asio::awaitable<http::response> {
                 asio::steady_timer timer{co_await asio::this_coro::executor};
                 timer.expires_after(1ms);
                 co_await timer.async_wait(asio::use_awaitable);
                 co_return http::plain_text(200, std::string{request.parameter("name")});
             }});
    }

    void start() {
        server.emplace(loop.get_executor(), options, routes);
        REQUIRE(server->listen() == "");
        running.emplace(loop, server->run());
    }

    ~server_fixture() {
        if (running) running->stop();
    }

    tcp::socket connect() {
        tcp::socket socket{loop};
        socket.connect(server->local_endpoint());
        return socket;
    }

    /// Sends `text` and reads until the server closes.
    std::string talk(std::string text) {
        auto socket = connect();
        return talk_on(socket, std::move(text));
    }

    std::string talk_on(tcp::socket& socket, std::string text) {
        return test::run(loop, exchange(socket, std::move(text)));
    }

    static asio::awaitable<std::string> exchange(tcp::socket& socket, std::string text) {
        boost::system::error_code ended;
        co_await asio::async_write(socket, asio::buffer(text),
                                   asio::redirect_error(asio::use_awaitable, ended));
        std::string answer;
        co_await asio::async_read(socket, asio::dynamic_buffer(answer),
                                  asio::redirect_error(asio::use_awaitable, ended));
        co_return answer;
    }

    static std::string status_of(const std::string& answer) { return answer.substr(0, 12); }
};

const std::string last = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_METHOD(server_fixture, "a route answers with the protective fields", "[http]") {
    start();
    const auto answer = talk("GET /hello?x=1" + last + "\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 200");
    CHECK(contains(answer, "X-Content-Type-Options: nosniff\r\n"));
    CHECK(contains(answer, "Cache-Control: no-store\r\n"));
    CHECK_FALSE(contains(answer, "Access-Control"));
    CHECK(answer.ends_with("\r\n\r\nhello\n"));
}

TEST_CASE_METHOD(server_fixture, "what the server refuses by itself is worded by its owner",
                 "[http]") {
    options.refuse = [](const http::request& asked, unsigned status, std::string text) {
        auto made = http::plain_text(status, asked.method + " was refused: " + text);
        made.fields.push_back({"X-Refused", "yes"});
        return made;
    };
    start();
    const auto unknown = talk("GET /nothing" + last + "\r\n");
    CHECK(status_of(unknown) == "HTTP/1.1 404");
    CHECK(contains(unknown, "X-Refused: yes\r\n"));
    CHECK(unknown.ends_with("GET was refused: There is nothing here.\n"));
    const auto method = talk("PUT /hello" + last + "\r\n");
    CHECK(status_of(method) == "HTTP/1.1 405");
    CHECK(contains(method, "Allow: GET, HEAD\r\n"));
    CHECK(contains(talk("GET /throws" + last + "\r\n"), "X-Refused: yes\r\n"));
}

TEST_CASE_METHOD(server_fixture, "a connection serves several requests, pipelined ones too",
                 "[http]") {
    start();
    const auto answer =
        talk("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\nGET /waits/you" + last + "\r\n");
    CHECK(contains(answer, "hello\n"));
    CHECK(answer.ends_with("\r\n\r\nyou\n"));
    CHECK(server->counters().requests == 2);
}

TEST_CASE_METHOD(server_fixture, "HEAD gives the head alone", "[http]") {
    start();
    const auto answer = talk("HEAD /hello" + last + "\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 200");
    CHECK(contains(answer, "Content-Length: 6\r\n"));
    CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE_METHOD(server_fixture, "what cannot be served is refused with its status", "[http]") {
    start();
    CHECK(status_of(talk("GET /nothing" + last + "\r\n")) == "HTTP/1.1 404");
    const auto wrong_method = talk("DELETE /hello" + last + "\r\n");
    CHECK(status_of(wrong_method) == "HTTP/1.1 405");
    CHECK(contains(wrong_method, "Allow: GET, HEAD\r\n"));
    CHECK(status_of(talk("nonsense\r\n\r\n")) == "HTTP/1.1 400");
    CHECK(status_of(talk("GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")) == "HTTP/1.1 400");
    CHECK(status_of(talk("GET /hello" + last + "X: " + std::string(9000, 'x') + "\r\n\r\n")) ==
          "HTTP/1.1 431");
    CHECK(status_of(talk("POST /echo" + last + "Content-Length: 101\r\n\r\n")) == "HTTP/1.1 413");
    CHECK(status_of(talk("POST /echo" + last + "Transfer-Encoding: chunked\r\n\r\n65\r\n" +
                         std::string(101, 'x') + "\r\n0\r\n\r\n")) == "HTTP/1.1 413");
    CHECK(status_of(talk("POST /echo" + last + "Content-Length: 99999999999999\r\n\r\n")) ==
          "HTTP/1.1 413");
}

TEST_CASE_METHOD(server_fixture, "a body within the limit reaches the handler", "[http]") {
    start();
    const auto answer =
        talk("POST /echo" + last + "Content-Length: 100\r\n\r\n" + std::string(100, 'y'));
    CHECK(answer.ends_with("\r\n\r\n" + std::string(100, 'y')));
    const auto expecting =
        talk("POST /echo" + last + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}");
    CHECK(expecting.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
}

TEST_CASE_METHOD(server_fixture, "a handler that throws gives 500 without its reason", "[http]") {
    start();
    const auto answer = talk("GET /throws" + last + "\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 500");
    CHECK_FALSE(contains(answer, "secret"));
    REQUIRE(reports.size() == 1);
    CHECK(reports[0] == "http GET /throws failed: secret reason");
}

TEST_CASE_METHOD(server_fixture, "bound to loopback only loopback's names are served", "[http]") {
    start();
    for (const char* host :
         {"localhost", "LOCALHOST:9470", "127.0.0.1", "127.0.0.1:1", "[::1]:80"}) {
        INFO(host);
        CHECK(status_of(talk("GET /hello HTTP/1.1\r\nConnection: close\r\nHost: " +
                             std::string{host} + "\r\n\r\n")) == "HTTP/1.1 200");
    }
    for (const char* host : {"evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "[::2]"}) {
        INFO(host);
        CHECK(status_of(talk("GET /hello HTTP/1.1\r\nConnection: close\r\nHost: " +
                             std::string{host} + "\r\n\r\n")) == "HTTP/1.1 421");
    }
}

TEST_CASE("a configured host name is served, and elsewhere than on loopback any name", "[http]") {
    http::service shared;
    shared.bound_host = "127.0.0.1";
    shared.options.allowed_hosts = {"logs.example"};
    CHECK(http::host_allowed(shared, "logs.example:80"));
    CHECK_FALSE(http::host_allowed(shared, "other.example"));
    shared.loopback = false;
    shared.bound_host = "10.0.0.5";
    CHECK_FALSE(http::host_allowed(shared, "other.example"));
    CHECK(http::host_allowed(shared, "10.0.0.5:80"));
    shared.options.allowed_hosts.clear();
    CHECK(http::host_allowed(shared, "other.example"));
}

TEST_CASE_METHOD(server_fixture, "a slow request ends with 408", "[http]") {
    options.header_timeout = 20ms;
    options.body_timeout = 20ms;
    start();
    CHECK(status_of(talk("GET /hel")) == "HTTP/1.1 408");
    CHECK(status_of(talk("POST /echo" + last + "Content-Length: 9\r\n\r\nabc")) == "HTTP/1.1 408");
    CHECK(talk("").empty());  // nothing was asked, nothing is said
    CHECK(server->counters().timeouts == 2);
}

TEST_CASE_METHOD(server_fixture, "an idle connection is closed without a word", "[http]") {
    options.idle_timeout = 20ms;
    start();
    const auto answer = talk("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(answer.ends_with("\r\n\r\nhello\n"));
}

TEST_CASE_METHOD(server_fixture, "a body given in slices arrives whole, chunk by chunk", "[http]") {
    start();
    const auto answer = talk("GET /huge" + last + "\r\n");
    CHECK(contains(answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(answer.ends_with("\r\n0\r\n\r\n"));
    CHECK(std::ranges::count(answer, 'x') >= 2000 * (16 << 10));
    const auto old = talk("GET /huge HTTP/1.0\r\n\r\n");
    CHECK_FALSE(contains(old, "chunked"));
    CHECK(old.size() - old.find("\r\n\r\n") - 4 == 2000 * (16 << 10));
}

TEST_CASE_METHOD(server_fixture, "a slow reader holds up nobody and is cut at the total deadline",
                 "[http]") {
    options.total_timeout = 300ms;
    start();
    auto slow = connect();
    slow.set_option(asio::socket_base::receive_buffer_size{4096});
    asio::write(slow, asio::buffer("GET /huge" + last + "\r\n"));
    test::run_until(loop, [&] { return slices_made > 0; });
    CHECK(talk("GET /hello" + last + "\r\n").ends_with("hello\n"));
    test::run_until(loop, [&] { return server->counters().timeouts == 1; });
    CHECK(slices_made < 2000);  // the rest was never made
}

TEST_CASE_METHOD(server_fixture, "connections over the limit are closed, idle ones make room",
                 "[http]") {
    options.max_connections = 2;
    start();
    auto first = connect();
    auto second = connect();
    asio::write(first, asio::buffer("GET /hel", 8));
    asio::write(second, asio::buffer("GET /hel", 8));
    test::run_until(loop, [&] { return server->counters().connections == 2; });
    for (int i = 0; i < 20; ++i)
        loop.poll_one();  // both have begun a request now
    CHECK(talk("GET /hello" + last + "\r\n").empty());
    CHECK(server->counters().refused_connections == 1);

    CHECK(contains(talk_on(first, "lo" + last + "\r\n"), "hello\n"));
    test::run_until(loop, [&] { return server->counters().connections == 1; });
    auto idle = connect();
    test::run_until(loop, [&] { return server->counters().connections == 2; });
    CHECK(contains(talk("GET /hello" + last + "\r\n"), "hello\n"));
    CHECK(server->counters().refused_connections == 1);
}

TEST_CASE_METHOD(server_fixture, "without descriptors the server pauses instead of spinning",
                 "[http]") {
    start();
    auto waiting = connect();
    struct rlimit before {};
    ::getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = before;
    none.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &none);
    test::run_until(loop, [&] { return server->counters().accept_failures == 1; });
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(contains(reports.at(0), "cannot accept a connection"));
    // It was taken with the spare descriptor and closed, and the next one is served after the
    // pause.
    CHECK(contains(talk("GET /hello" + last + "\r\n"), "hello\n"));
    CHECK(server->counters().accept_failures == 1);
}

TEST_CASE_METHOD(server_fixture, "a stop closes open connections at once", "[http]") {
    start();
    auto open = connect();
    test::run_until(loop, [&] { return server->counters().connections == 1; });
    CHECK(running->stop() < 1s);
    CHECK(server->counters().connections == 0);
}

TEST_CASE("an address that cannot be bound is named with the reason", "[http]") {
    asio::io_context loop;
    http::server_options options;
    options.listen = "nowhere";
    http::server wrong{loop.get_executor(), options, {}};
    CHECK(wrong.listen() == "cannot listen on 'nowhere': it is not ADDRESS:PORT");
    options.listen = "[::1]:0";
    http::server v6{loop.get_executor(), options, {}};
    CHECK(v6.listen() == "");
    options.listen = "[::1]:" + std::to_string(v6.local_endpoint().port());
    http::server second{loop.get_executor(), options, {}};
    CHECK(contains(second.listen(), "cannot listen on [::1]:"));
}

TEST_CASE_METHOD(server_fixture, "events reach their client as they come, until they end",
                 "[http]") {
    start();
    auto socket = connect();
    const std::string ask = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_some(asio::buffer(ask));
    test::run_until(loop, [&] { return !stream.expired(); });
    stream.lock()->give(http::event_text("hosts", "7", "{}"));
    test::run_until(loop, [&] { return socket.available() > 0 && stream.lock()->pieces.empty(); });
    stream.lock()->end();
    const auto answer = talk_on(socket, "");
    CHECK(contains(answer, "Content-Type: text/event-stream\r\n"));
    CHECK(contains(answer, "X-Accel-Buffering: no\r\n"));
    CHECK(contains(answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(answer.ends_with("\r\n\r\n1d\r\nid: 7\nevent: hosts\ndata: {}\n\n\r\n0\r\n\r\n"));
    test::run_until(loop, [&] { return stream.expired(); });
    CHECK(server->counters().connections == 0);
}

TEST_CASE_METHOD(server_fixture, "a silent stream is kept alive by comments", "[http]") {
    limits.ping = 1ms;
    start();
    auto socket = connect();
    const std::string ask = "GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n";
    socket.write_some(asio::buffer(ask));
    test::run_until(loop, [&] { return !stream.expired() && stream.lock()->asked >= 3; });
    stream.lock()->end();
    const auto answer = talk_on(socket, "");
    CHECK(contains(answer, "\r\n\r\n:\n\n:\n\n"));
}

TEST_CASE_METHOD(server_fixture, "a stream outlives the time limit of a request", "[http]") {
    options.total_timeout = 50ms;
    limits.ping = 20ms;
    start();
    auto socket = connect();
    const std::string ask = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_some(asio::buffer(ask));
    test::run_until(loop, [&] { return !stream.expired() && stream.lock()->asked >= 6; });
    stream.lock()->give("data: late\n\n");
    stream.lock()->end();
    CHECK(contains(talk_on(socket, ""), "data: late\n\n"));
    CHECK(server->counters().timeouts == 0);
}

TEST_CASE_METHOD(server_fixture, "a client that does not take its events is cut", "[http]") {
    limits.take = 50ms;
    start();
    auto socket = connect();
    const std::string ask = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_some(asio::buffer(ask));
    test::run_until(loop, [&] { return !stream.expired(); });
    stream.lock()->for_ever = true;
    stream.lock()->give(std::string(1 << 20, 'x'));
    test::run_until(loop, [&] { return stream.expired(); });
    CHECK(cuts == 1);
    CHECK(server->counters().connections == 0);
    // The others are served.
    CHECK(status_of(talk("GET /hello" + last + "\r\n")) == "HTTP/1.1 200");
}

TEST_CASE_METHOD(server_fixture, "a client that leaves ends its stream", "[http]") {
    start();
    auto socket = connect();
    const std::string ask = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_some(asio::buffer(ask));
    test::run_until(loop, [&] { return !stream.expired(); });
    socket.close();
    test::run_until(loop, [&] { return stream.expired(); });
    CHECK(server->counters().connections == 0);
}

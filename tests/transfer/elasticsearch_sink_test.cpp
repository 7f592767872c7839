#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>

#include "http/certificates.hpp"
#include "http/scripted_server.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/transfer/sink.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::transfer {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::scripted_connection;

constexpr std::string_view stored = R"({"create":{"status":201}})";

/// The documents of a request: what its action lines are followed by.
std::vector<std::string> documents_of(const std::string& request) {
    std::vector<std::string> made;
    std::size_t at = request.find("\r\n\r\n") + 4;
    for (bool action = true; at < request.size(); action = !action) {
        const auto end = request.find('\n', at);
        if (!action) made.push_back(request.substr(at, end - at));
        at = end + 1;
    }
    return made;
}

/// The answer of a server that has something to say about each document.
std::string items(const std::vector<std::string>& each) {
    bool errors = false;
    std::string all;
    for (const auto& one : each) {
        errors |= one != stored;
        all += (all.empty() ? "" : ",") + one;
    }
    return std::string{"{\"errors\":"} + (errors ? "true" : "false") + ",\"items\":[" + all + "]}";
}

std::string all_stored(const std::string& request) {
    return test::http_answer(
        items(std::vector<std::string>(documents_of(request).size(), std::string{stored})));
}

std::string failed(unsigned status, const std::string& type) {
    return "{\"create\":{\"status\":" + std::to_string(status) + ",\"error\":{\"type\":\"" + type +
           "\",\"reason\":\"because\"}}}";
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// A server that answers each request by a function, and the sink before it.
struct sink_fixture : sink_listener {
    asio::io_context loop;
    dns::resolver names{loop.get_executor()};
    std::unique_ptr<document_maker> documents = create_document_maker({}).value();
    sink_settings where;
    sink_options how;
    std::deque<std::string> values;  // what the records borrow
    std::vector<std::string> requests;
    std::vector<std::int64_t> accepted_offsets;
    std::map<std::int64_t, refusal> refused_offsets;
    std::vector<std::string> stalls;
    std::unique_ptr<sink> under_test;
    std::optional<test::background> running;
    std::list<test::scripted_server> servers;

    sink_fixture() {
        where.name = "logs";
        where.type = sink_type::elasticsearch;
        how.install_template = false;
        how.batch_age = 10ms;
        how.concurrency = 1;
    }
    ~sink_fixture() {
        if (running) running->stop();
    }

    void accepted(item done) override { accepted_offsets.push_back(done.record.offset); }
    void refused(item bad, refusal why) override {
        refused_offsets.emplace(bad.record.offset, std::move(why));
    }
    void stalled(std::string_view text) override { stalls.emplace_back(text); }
    asio::awaitable<bool> commit(lane, std::int64_t, std::string) override { co_return false; }

    /// `answer` gives the whole answer as on the wire; an empty one closes the connection.
    void serve(std::function<std::string(const std::string&)> answer) {
        auto script = [this, answer](scripted_connection& connection) -> asio::awaitable<void> {
            for (;;) {
                std::string request = co_await connection.request();
                requests.push_back(request);
                std::string text = answer(request);
                if (text.empty()) co_return;
                co_await connection.send(std::move(text));
            }
        };
        auto& server = servers.emplace_back(loop, script);
        where.url.push_back({"127.0.0.1", server.port(), false});
    }

    void start(lane in = 1) {
        under_test = create_elasticsearch_sink(
            {loop.get_executor(), names, *this, *documents, "route", ""}, where, how);
        under_test->begin({in, {"web", 0}, "topic-id", 0, ""});
        running.emplace(loop, under_test->run());
    }

    void give(std::int64_t offset, std::string value, lane in = 1) {
        kafka::consumed_record record;
        record.topic = "web";
        record.offset = offset;
        record.timestamp_ms = 1'795'475'460'000;
        record.value = values.emplace_back(std::move(value));
        under_test->take({in, std::move(record)});
    }

    void until_settled(std::size_t count) {
        test::run_until(loop, [&] {
            if (running->failure()) std::rethrow_exception(running->failure());
            return accepted_offsets.size() + refused_offsets.size() >= count;
        });
    }
};

using offsets = std::vector<std::int64_t>;

TEST_CASE_METHOD(sink_fixture, "documents go in one request and leave when they are stored",
                 "[transfer][elastic]") {
    serve(all_stored);
    start();
    give(7, "one");
    give(8, "two");
    until_settled(2);
    CHECK(accepted_offsets == offsets{7, 8});
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].starts_with("POST /_bulk?filter_path=errors,"));
    CHECK(holds(requests[0], "\r\nContent-Type: application/x-ndjson\r\n"));
    CHECK(holds(requests[0], "{\"create\":{\"_index\":\"logs-unknown-2026.11.23\",\"_id\":\""));
    CHECK(holds(documents_of(requests[0])[1], "\"event_id\":\"topic-id:0:8\""));
    CHECK(under_test->figures().requests == 1);
    CHECK(stalls.empty());
}

TEST_CASE_METHOD(sink_fixture, "an answer that does not speak of every document settles none",
                 "[transfer][elastic]") {
    serve([&](const std::string& request) {
        if (requests.size() == 1) return test::http_answer(items({std::string{stored}}));
        if (requests.size() == 2) return test::http_answer("<html>not json</html>");
        return all_stored(request);
    });
    start();
    give(1, "one");
    give(2, "two");
    until_settled(2);
    CHECK(accepted_offsets == offsets{1, 2});
    CHECK(requests.size() == 3);
    REQUIRE(stalls.size() >= 2);
    CHECK(holds(stalls[0], "do not tell what became of 2 documents"));
    CHECK(stalls.back().empty());
    CHECK(under_test->figures().retried.at("answer") == 4);
}

TEST_CASE_METHOD(sink_fixture, "an answer that breaks off settles nothing", "[transfer][elastic]") {
    serve([&](const std::string& request) {
        if (requests.size() == 1) return std::string{};
        if (requests.size() == 2)
            return std::string{
                "HTTP/1.1 200 OK\r\nContent-Length: 90\r\nConnection: close\r\n\r\n"
                "{\"errors\":false,"};
        return all_stored(request);
    });
    // The second answer stays incomplete until the time is over.
    how.timeout = 300ms;
    start();
    give(1, "one");
    until_settled(1);
    CHECK(accepted_offsets == offsets{1});
    CHECK(requests.size() == 3);
    CHECK(under_test->figures().retried.at("connection") == 1);
    CHECK(under_test->figures().retried.at("timeout") == 1);
}

TEST_CASE_METHOD(sink_fixture, "items that were rejected go again alone", "[transfer][elastic]") {
    serve([&](const std::string& request) {
        if (requests.size() > 1) return all_stored(request);
        return test::http_answer(
            items({std::string{stored}, failed(429, "rejected_execution_exception"),
                   failed(409, "version_conflict_engine_exception")}));
    });
    start();
    for (int at = 0; at < 3; ++at)
        give(at, "line " + std::to_string(at));
    until_settled(3);
    CHECK(accepted_offsets == offsets{0, 2, 1});
    REQUIRE(requests.size() == 2);
    const auto again = documents_of(requests[1]);
    REQUIRE(again.size() == 1);
    CHECK(holds(again[0], "line 1"));
    CHECK(under_test->figures().duplicates == 1);
    CHECK(under_test->figures().retried.at("rejected_items") == 1);
}

TEST_CASE_METHOD(sink_fixture, "a server that is overloaded gets smaller requests",
                 "[transfer][elastic]") {
    std::vector<std::size_t> sizes;
    serve([&](const std::string& request) {
        sizes.push_back(documents_of(request).size());
        if (sizes.size() > 1) return all_stored(request);
        return test::http_answer("{\"error\":{\"type\":\"rejected_execution_exception\"}}",
                                 "429 Too Many Requests", "Retry-After: 1\r\n");
    });
    start();
    for (int at = 0; at < 8; ++at)
        give(at, "line");
    until_settled(8);
    REQUIRE(sizes.size() >= 3);
    CHECK(sizes[0] == 8);
    CHECK(sizes[1] == 4);
    CHECK(under_test->figures().retried.at("throttled") == 8);
    CHECK(refused_offsets.empty());
}

TEST_CASE_METHOD(sink_fixture, "a document beyond what a server can ever take is refused",
                 "[transfer][elastic]") {
    serve([&](const std::string&) {
        return test::http_answer(
            "{\"error\":{\"type\":\"rejected_execution_exception\",\"reason\":\"x "
            "coordinating_operation_bytes=30, max_coordinating_and_primary_bytes=20\"}}",
            "429 Too Many Requests");
    });
    start();
    give(3, "line");
    until_settled(1);
    CHECK(refused_offsets.at(3).reason == "rejected_execution_exception");
    CHECK(refused_offsets.at(3).status == 429);
}

TEST_CASE_METHOD(sink_fixture, "a body that is too large is split down to the document that is",
                 "[transfer][elastic]") {
    serve([&](const std::string& request) {
        const auto sent = documents_of(request);
        if (sent.size() < 3 && !holds(request, "huge")) return all_stored(request);
        return test::http_answer("", "413 Request Entity Too Large");
    });
    start();
    for (int at = 0; at < 9; ++at)
        give(at, at == 5 ? "huge" : "line");
    until_settled(9);
    CHECK(accepted_offsets.size() == 8);
    REQUIRE(refused_offsets.size() == 1);
    CHECK(refused_offsets.at(5).reason == "too_large");
    CHECK(refused_offsets.at(5).status == 413);
    CHECK(under_test->figures().retried.contains("split"));
}

TEST_CASE_METHOD(sink_fixture, "a request that is malformed is bisected to its document",
                 "[transfer][elastic]") {
    serve([&](const std::string& request) {
        if (!holds(request, "poison")) return all_stored(request);
        return test::http_answer(
            "{\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":\"bad\"}}",
            "400 Bad Request");
    });
    start();
    for (int at = 0; at < 16; ++at)
        give(at, at == 11 ? "poison" : "line");
    until_settled(16);
    CHECK(accepted_offsets.size() == 15);
    REQUIRE(refused_offsets.size() == 1);
    const auto& why = refused_offsets.at(11);
    CHECK(why.reason == "illegal_argument_exception");
    CHECK(why.text == "400 illegal_argument_exception: bad");
    CHECK(why.attempts == 5);
}

TEST_CASE_METHOD(sink_fixture, "items of no use are dead letters, each with its reason",
                 "[transfer][elastic]") {
    serve([&](const std::string&) {
        return test::http_answer(items({failed(400, "mapper_parsing_exception"),
                                        std::string{stored}, failed(418, "never_heard_of")}));
    });
    start();
    for (int at = 0; at < 3; ++at)
        give(at, "line");
    until_settled(3);
    CHECK(accepted_offsets == offsets{1});
    CHECK(refused_offsets.at(0).text == "400 mapper_parsing_exception: because");
    CHECK(refused_offsets.at(2).reason == "never_heard_of");
}

TEST_CASE_METHOD(sink_fixture, "a blocked index stalls its documents and loses none",
                 "[transfer][elastic]") {
    int blocked = 3;
    serve([&](const std::string& request) {
        std::vector<std::string> each;
        for (const auto& one : documents_of(request))
            each.push_back(holds(one, "to blocked") && blocked > 0
                               ? failed(403, "cluster_block_exception")
                               : std::string{stored});
        --blocked;
        return test::http_answer(items(each));
    });
    start();
    give(1, "to blocked");
    give(2, "to another");
    until_settled(1);
    CHECK(accepted_offsets == offsets{2});
    REQUIRE(stalls.size() == 1);
    CHECK(holds(stalls[0], "takes no documents for an index: 403 cluster_block_exception"));
    CHECK(under_test->figures().stalled == stalls[0]);
    until_settled(2);
    CHECK(accepted_offsets == offsets{2, 1});
    CHECK(stalls.size() == 2);
    CHECK(under_test->figures().stalled.empty());
}

TEST_CASE_METHOD(sink_fixture, "a closed index is a reason for dead letters only if it is wanted",
                 "[transfer][elastic]") {
    how.closed_index_is_dead = true;
    serve([&](const std::string&) {
        return test::http_answer(items({failed(400, "index_closed_exception")}));
    });
    start();
    give(1, "line");
    until_settled(1);
    CHECK(refused_offsets.at(1).reason == "index_closed_exception");
}

TEST_CASE_METHOD(sink_fixture, "a password that was corrected in its file is taken",
                 "[transfer][elastic]") {
    const std::string path = std::filesystem::temp_directory_path() /
                             ("logagent-password-" + std::to_string(::getpid()));
    std::ofstream{path} << "wrong\n";
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    where.user = "writer";
    where.password_file = path;
    const auto right = "\r\nAuthorization: Basic " + base::base64_encode("writer:right") + "\r\n";
    serve([&](const std::string& request) {
        if (holds(request, right)) return all_stored(request);
        std::ofstream{path} << "right\n";
        return test::http_answer("{\"error\":{\"type\":\"security_exception\"}}",
                                 "401 Unauthorized");
    });
    start();
    give(1, "line");
    until_settled(1);
    CHECK(accepted_offsets == offsets{1});
    CHECK(requests.size() == 2);
    REQUIRE(stalls.size() == 2);
    CHECK(holds(stalls[0], "refuses us: 401 security_exception"));
    CHECK_FALSE(holds(stalls[0], "wrong"));
    std::filesystem::remove(path);
}

TEST_CASE_METHOD(sink_fixture, "a place that is no Elasticsearch stalls and loses nothing",
                 "[transfer][elastic]") {
    serve([&](const std::string& request) {
        if (requests.size() > 1) return all_stored(request);
        return test::http_answer("moved", "302 Found");
    });
    start();
    give(1, "line");
    until_settled(1);
    REQUIRE_FALSE(stalls.empty());
    CHECK(holds(stalls[0], "takes no documents at /_bulk: 302: moved"));
}

TEST_CASE_METHOD(sink_fixture, "a node that is away is passed over", "[transfer][elastic]") {
    serve(all_stored);
    const auto away = test::scripted_server{loop, nullptr}.port();
    where.url.push_back({"127.0.0.1", away, false});
    how.concurrency = 4;
    how.batch_records = 1;
    start();
    for (int at = 0; at < 20; ++at)
        give(at, "line");
    until_settled(20);
    CHECK(accepted_offsets.size() == 20);
    CHECK(stalls.empty());
}

TEST_CASE_METHOD(sink_fixture, "nobody hears of the records of a lane that ended",
                 "[transfer][elastic]") {
    serve([&](const std::string& request) {
        under_test->end(1);
        return all_stored(request);
    });
    start(1);
    under_test->begin({2, {"web", 1}, "topic-id", 0, ""});
    give(1, "old", 1);
    give(2, "new", 2);
    until_settled(1);
    CHECK(accepted_offsets == offsets{2});
    give(3, "new", 2);
    until_settled(2);
    CHECK(accepted_offsets == offsets{2, 3});
}

TEST_CASE_METHOD(sink_fixture, "draining sends what is there and waits for it",
                 "[transfer][elastic]") {
    how.batch_age = 1h;
    serve(all_stored);
    start();
    give(1, "line");
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    test::run(loop, under_test->drain({1}, deadline));
    CHECK(accepted_offsets == offsets{1});
}

TEST_CASE_METHOD(sink_fixture, "draining ends at its deadline when nothing helps",
                 "[transfer][elastic]") {
    serve([](const std::string&) { return test::http_answer("", "503 Service Unavailable"); });
    start();
    give(1, "line");
    test::run(loop, under_test->drain({1}, std::chrono::steady_clock::now() + 50ms));
    CHECK(accepted_offsets.empty());
    under_test->end(1);
    test::run(loop, under_test->drain({1}, std::chrono::steady_clock::now() + 1h));
}

TEST_CASE_METHOD(sink_fixture, "the template is put in the first form that the server knows",
                 "[transfer][elastic]") {
    how.install_template = true;
    serve([&](const std::string& request) {
        if (request.starts_with("POST")) return all_stored(request);
        if (requests.size() == 1) return test::http_answer("{}", "503 Service Unavailable");
        if (holds(request, "flat_object"))
            return test::http_answer("{\"error\":{\"type\":\"x\"}}", "400 Bad Request");
        return test::http_answer("{\"acknowledged\":true}");
    });
    start();
    give(1, "line");
    until_settled(1);
    REQUIRE(requests.size() == 4);
    CHECK(requests[2].starts_with("PUT /_index_template/logagent-logs-_-_ "));
    CHECK(holds(requests[2], "\"fields\":{\"type\":\"flattened\"}"));
    CHECK(stalls.back().empty());
}

TEST_CASE_METHOD(sink_fixture, "a server that forbids templates gets documents all the same",
                 "[transfer][elastic]") {
    how.install_template = true;
    serve([&](const std::string& request) {
        if (request.starts_with("POST")) return all_stored(request);
        return test::http_answer("{\"error\":{\"type\":\"security_exception\"}}", "403 Forbidden");
    });
    start();
    give(1, "line");
    until_settled(1);
    CHECK(requests.size() == 2);
}

TEST_CASE_METHOD(sink_fixture, "a certificate of an unknown authority stalls and sends nothing",
                 "[transfer][elastic]") {
    test::certificates ours{"localhost"};
    test::certificates theirs{"localhost"};
    asio::ssl::context context{asio::ssl::context::tls_server};
    context.use_certificate_chain_file(theirs.server_file());
    context.use_private_key_file(theirs.server_file(), asio::ssl::context::pem);
    auto script = [&](scripted_connection& connection) -> asio::awaitable<void> {
        co_await connection.start_tls(context);
        std::string request = co_await connection.request();
        requests.push_back(request);
        std::string text = all_stored(request);
        co_await connection.send(std::move(text));
    };
    test::scripted_server server{loop, script};
    where.url.push_back({"127.0.0.1", server.port(), true});
    where.tls.ca_file = ours.ca_file();
    start();
    give(1, "secret line");
    test::run_until(loop, [&] { return server.ended >= 2; });
    CHECK(requests.empty());
    CHECK(accepted_offsets.empty());
    REQUIRE_FALSE(stalls.empty());
    CHECK(holds(stalls[0], "certificate"));
    running->stop();
    running.reset();
}

}  // namespace
}  // namespace logagent::transfer

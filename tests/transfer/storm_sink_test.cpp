#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <deque>
#include <set>

#include "http/scripted_server.hpp"
#include "logagent/base/json.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/transfer/sink.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"
#include "transfer/storm_batch.hpp"

namespace logagent::transfer {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

/// The document of "abc" is {"message":"abc"}.
class plain_documents final : public document_maker {
public:
    void make(document& made, const source_record& from) const override {
        made.json = "{\"message\":\"" + std::string{from.value} + "\"}";
    }

    std::int64_t time_of(const source_record&) const override { return 0; }

    const document_options& options() const noexcept override { return how; }

    document_options how;
};

struct recorded final : sink_listener {
    std::multiset<std::int64_t> taken;
    std::map<std::int64_t, refusal> bad;
    std::vector<std::string> stalls;

    void accepted(item done) override { taken.insert(done.record.offset); }
    void refused(item one, refusal why) override { bad[one.record.offset] = why; }
    void stalled(std::string_view text) override { stalls.emplace_back(text); }
    asio::awaitable<bool> commit(lane, std::int64_t, std::string) override { co_return false; }
};

/// A DRPC server: `reply` makes an answer of a batch, "" closes the connection, "hang" hangs.
struct fake_drpc {
    using reply_function = std::function<std::string(const json::object& batch)>;

    fake_drpc(asio::io_context& loop, reply_function reply)
        : answer{std::move(reply)}, server{loop, [this](test::scripted_connection& each) {
                                               return serve(each);
                                           }} {}

    asio::awaitable<void> serve(test::scripted_connection& connection) {
        for (;;) {
            const std::string text = co_await connection.request();
            heads.push_back(text.substr(0, text.find("\r\n\r\n")));
            const auto batch =
                base::parse_json(text.substr(text.find("\r\n\r\n") + 4)).value().as_object();
            ids.emplace_back(batch.at("batch_id").as_string());
            sizes.push_back(batch.at("records").as_array().size());
            longest = std::max(longest, text.size());
            now_open = std::max(now_open, ++open);
            std::string said = answer(batch);
            if (said == "hang") co_await connection.until_closed();
            --open;
            if (said.empty()) co_return;
            co_await connection.send(std::move(said));
        }
    }

    reply_function answer;
    std::vector<std::string> heads;
    std::vector<std::string> ids;
    std::vector<std::size_t> sizes;
    std::size_t longest = 0;
    int open = 0;
    int now_open = 0;  // at most
    test::scripted_server server;
};

std::string ok(const json::object&) {
    return test::http_answer("OK");
}
std::string failed_request() {
    return test::http_answer(R"({"error":"FAILED_REQUEST"})", "400 Bad Request");
}
bool holds(const json::object& batch, std::string_view message) {
    for (const auto& each : batch.at("records").as_array())
        if (each.as_object().at("message").as_string() == message) return true;
    return false;
}

struct storm_fixture {
    asio::io_context loop;
    dns::resolver names{loop.get_executor()};
    plain_documents documents;
    recorded route;
    sink_settings where;
    sink_options how;
    std::deque<std::string> values;
    std::unique_ptr<sink> made;
    std::optional<test::background> running;

    storm_fixture() {
        how.function = "logs";
        how.batch_bytes = 512u << 10;
        how.batch_records = 4;
        how.batch_age = 50ms;
        how.timeout = 5s;
        how.attempts = 2;
    }
    ~storm_fixture() {
        running.reset();
        made.reset();
    }

    void start(const std::vector<const fake_drpc*>& servers) {
        for (const auto* each : servers)
            where.url.push_back({"127.0.0.1", each->server.port(), false});
        sink_parts parts{loop.get_executor(), names, route, documents, "rt", ""};
        made = create_storm_sink(std::move(parts), where, how);
        running.emplace(loop, made->run());
        lane_start lane_of;
        lane_of.in = 1;
        lane_of.partition = {"nginx", 3};
        made->begin(lane_of);
    }
    void give(std::int64_t offset, std::string value, lane in = 1) {
        values.push_back(std::move(value));
        kafka::consumed_record record;
        record.topic = "nginx";
        record.partition = 3;
        record.offset = offset;
        record.value = values.back();
        made->take(item{in, std::move(record)});
    }
    void give_many(int count) {
        for (int i = 0; i < count; ++i)
            give(i, "line " + std::to_string(i));
    }
    void settled(std::size_t count) {
        test::run_until(loop, [&] { return route.taken.size() + route.bad.size() >= count; });
        CHECK(route.taken.size() + route.bad.size() == count);
    }
};

}  // namespace

TEST_CASE_METHOD(storm_fixture, "records go in batches that name topic, partition and offsets",
                 "[transfer][storm]") {
    std::vector<std::string> bodies;
    fake_drpc drpc{
        loop, [&](const json::object& batch) {
            bodies.push_back(json::serialize(batch));
            return test::http_answer(
                "{\"acked\":" + std::to_string(batch.at("records").as_array().size()) + "}");
        }};
    start({&drpc});
    give_many(6);
    settled(6);
    CHECK(drpc.heads[0].starts_with("POST /drpc/logs HTTP/1.1"));
    CHECK(bodies[0] ==
          R"({"v":1,"batch_id":"nginx+3+0+3","route":"rt","records":[{"message":"line 0"},)"
          R"({"message":"line 1"},{"message":"line 2"},{"message":"line 3"}]})");
    CHECK(drpc.ids == std::vector<std::string>{"nginx+3+0+3", "nginx+3+4+5"});
    CHECK(route.bad.empty());
    CHECK(route.stalls.empty());
}

TEST_CASE_METHOD(storm_fixture, "no batch is longer than a topology can read",
                 "[transfer][storm]") {
    how.batch_bytes = 5u << 20;
    how.batch_records = 2000;
    fake_drpc drpc{loop, ok};
    start({&drpc});
    for (int i = 0; i < 200; ++i)
        give(i, std::string(10'000, 'x'));
    settled(200);
    CHECK(drpc.longest > 480'000);
    CHECK(drpc.longest <= storm_batch::most_bytes + 500);  // the head
}

TEST_CASE_METHOD(storm_fixture, "a record that is too large alone is refused, the others pass",
                 "[transfer][storm]") {
    fake_drpc drpc{loop, ok};
    start({&drpc});
    give(0, "before");
    give(1, std::string(600'000, 'x'));
    give(2, "behind");
    settled(3);
    REQUIRE(route.bad.count(1) == 1);
    CHECK(route.bad[1].reason == "too_large");
    CHECK(route.taken == std::multiset<std::int64_t>{0, 2});
}

TEST_CASE_METHOD(storm_fixture, "a batch that fails is halved down to the record that is the cause",
                 "[transfer][storm]") {
    fake_drpc drpc{loop, [](const json::object& batch) {
                       return holds(batch, "line 6") ? failed_request() : ok(batch);
                   }};
    start({&drpc});
    give_many(8);
    settled(8);
    REQUIRE(route.bad.size() == 1);
    CHECK(route.bad[6].reason == "failed_request");
    CHECK(route.bad[6].attempts == 2);
    CHECK(route.taken.size() == 7);
    // 4 to 7 twice, 4 to 5, 6 to 7 twice, 6 twice, 7; and 0 to 3.
    CHECK(drpc.ids.size() == 9);
    CHECK(std::ranges::count(drpc.ids, "nginx+3+4+7") == 2);
    CHECK(std::ranges::count(drpc.ids, "nginx+3+6+6") == 2);
    CHECK(route.stalls.empty());
}

TEST_CASE_METHOD(storm_fixture, "a batch that failed once is sent again under the same name",
                 "[transfer][storm]") {
    int calls = 0;
    fake_drpc drpc{loop, [&](const json::object& batch) {
                       return ++calls == 1 ? failed_request() : ok(batch);
                   }};
    start({&drpc});
    give_many(4);
    settled(4);
    CHECK(drpc.ids == std::vector<std::string>{"nginx+3+0+3", "nginx+3+0+3"});
    CHECK(route.bad.empty());
    CHECK(made->figures().retried.at("failed_request") == 1);
}

TEST_CASE_METHOD(storm_fixture, "a server that closes, stops or has no topology costs no record",
                 "[transfer][storm]") {
    std::string first;
    SECTION("it closes the connection, as Storm 1 does") {}
    SECTION("it stops") {
        first = test::http_answer(R"({"error":"SERVER_SHUTDOWN"})", "503 Service Unavailable");
    }
    SECTION("nobody took the request") {
        first = test::http_answer(R"({"error":"SERVER_TIMEOUT"})", "504 Gateway Timeout");
    }
    SECTION("a page of Storm 1") {
        first = test::http_answer("<html>", "500 Server Error");
    }
    int left = 3;  // more than `attempts`
    fake_drpc drpc{loop, [&](const json::object& batch) { return left-- > 0 ? first : ok(batch); }};
    start({&drpc});
    give_many(4);
    settled(4);
    CHECK(route.bad.empty());
    CHECK(drpc.ids.size() == 4);
    REQUIRE_FALSE(route.stalls.empty());
    CHECK(route.stalls.back().empty());
}

TEST_CASE_METHOD(storm_fixture, "a batch that hangs ends by our own time, and is news",
                 "[transfer][storm]") {
    how.timeout = 100ms;
    int left = 1;
    fake_drpc drpc{loop, [&](const json::object& batch) {
                       return left-- > 0 ? std::string{"hang"} : ok(batch);
                   }};
    start({&drpc});
    give_many(4);
    settled(4);
    REQUIRE(route.stalls.size() == 2);
    CHECK(route.stalls[0].find("no answer in time") != std::string::npos);
    CHECK(route.stalls[0].ends_with("Does a topology with the function logs run?"));
    CHECK(route.stalls[1].empty());
}

TEST_CASE_METHOD(storm_fixture, "who fails without a reason while others pass is refused at last",
                 "[transfer][storm]") {
    fake_drpc drpc{loop, [](const json::object& batch) {
                       return holds(batch, "poison")
                                  ? test::http_answer("<html>", "500 Server Error")
                                  : ok(batch);
                   }};
    how.batch_records = 1;
    start({&drpc});
    give(0, "poison");
    test::run_until(loop, [&] {
        give(static_cast<std::int64_t>(values.size()), "fine");
        return route.bad.size() == 1;
    });
    CHECK(route.bad.count(0) == 1);
}

TEST_CASE_METHOD(storm_fixture, "a wrong password stalls, and is read again", "[transfer][storm]") {
    test::temporary_directory directory;
    where.user = "me";
    where.password_file = directory.file("password", "old\n");
    const std::vector<std::string>* heads = nullptr;
    fake_drpc drpc{loop, [&](const json::object& batch) {
                       // "me:new"
                       if (heads->back().find("Basic bWU6bmV3") != std::string::npos)
                           return ok(batch);
                       directory.file("password", "new\n");
                       return test::http_answer("{}", "401 Unauthorized");
                   }};
    heads = &drpc.heads;
    start({&drpc});
    give_many(4);
    settled(4);
    CHECK(route.bad.empty());
    REQUIRE(route.stalls.size() == 2);
    CHECK(route.stalls[0].find("401") != std::string::npos);
    CHECK(route.stalls[0].find("old") == std::string::npos);
}

TEST_CASE_METHOD(storm_fixture, "the server that works gets all", "[transfer][storm]") {
    fake_drpc broken{loop, [](const json::object&) { return std::string{}; }};
    fake_drpc works{loop, ok};
    start({&broken, &works});
    give_many(80);
    settled(80);
    CHECK(route.bad.empty());
    CHECK(broken.ids.size() < 8);
    CHECK(works.ids.size() == 20);
}

TEST_CASE_METHOD(storm_fixture, "only so many requests are under way", "[transfer][storm]") {
    how.concurrency = 3;
    how.batch_records = 1;
    fake_drpc drpc{loop, [](const json::object&) { return std::string{"hang"}; }};
    start({&drpc});
    give_many(20);
    test::run_until(loop, [&] { return drpc.ids.size() == 3; });
    loop.restart();
    loop.poll();
    CHECK(drpc.ids.size() == 3);
    CHECK(made->figures().in_flight == 3);
}

TEST_CASE_METHOD(storm_fixture, "draining does not wait for a fuller batch", "[transfer][storm]") {
    how.batch_records = 1000;
    how.batch_age = 1h;
    fake_drpc drpc{loop, ok};
    start({&drpc});
    give_many(7);
    std::vector<lane> lanes{1};
    test::run(loop, made->drain(std::move(lanes), std::chrono::steady_clock::now() + 10s));
    CHECK(route.taken.size() == 7);
    CHECK(drpc.ids == std::vector<std::string>{"nginx+3+0+6"});
}

TEST_CASE_METHOD(storm_fixture, "nobody is told about the records of a lane that ended",
                 "[transfer][storm]") {
    bool let = false;
    fake_drpc drpc{loop, [&](const json::object& batch) {
                       let = true;
                       return ok(batch);
                   }};
    start({&drpc});
    give_many(4);
    test::run_until(loop, [&] { return let; });
    made->end(1);
    give(4, "late");
    lane_start again;
    again.in = 2;
    again.partition = {"nginx", 3};
    made->begin(again);
    give(10, "new", 2);
    test::run_until(loop, [&] { return !route.taken.empty(); });
    CHECK(route.taken == std::multiset<std::int64_t>{10});
}

TEST_CASE_METHOD(storm_fixture, "a route to storm that cannot work says so when it is made",
                 "[transfer][storm]") {
    fake_drpc drpc{loop, ok};
    const auto refused = [&] {
        try {
            start({});
        } catch (const base::problem_error& error) {
            return error.reason().code;
        }
        return std::string{};
    };
    CHECK(refused() == "url");
    where.url.push_back({"127.0.0.1", drpc.server.port(), false});
    SECTION("no function") {
        how.function.clear();
        CHECK(refused() == "function");
    }
    SECTION("a function that is a path") {
        how.function = "../x";
        CHECK(refused() == "function");
    }
    SECTION("no password file") {
        where.password_file = "/nowhere/password";
        CHECK(refused() == "password_file");
    }
}

}  // namespace logagent::transfer

#include "transfer/dead_letters.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::transfer {
namespace {

/// A producer that keeps what it is given, and reports what the test says.
struct kept_producer final : kafka::producer {
    struct sent {
        std::string topic, key, value;
        std::map<std::string, std::string> headers;
        void* batch;
    };

    void listen(kafka::delivery_listener& to) override { listener = &to; }
    kafka::topic_handle topic(std::string_view name) override {
        names.emplace_back(name);
        return static_cast<kafka::topic_handle>(names.size() - 1);
    }
    kafka::produce_result produce(kafka::topic_handle, std::int32_t, std::span<const kafka::record>,
                                  void*) override {
        return {};
    }
    kafka::error produce_with_headers(kafka::topic_handle to, std::int32_t,
                                      const kafka::record& single,
                                      std::span<const kafka::header> headers,
                                      void* batch) override {
        sent one{names[to],
                 std::string(single.key, single.key_size),
                 std::string(single.value, single.size),
                 {},
                 batch};
        for (const auto& each : headers)
            one.headers.emplace(each.name, each.value);
        all.push_back(std::move(one));
        return kafka::error::none;
    }
    std::size_t outstanding() const override { return 0; }

    kafka::delivery_listener* listener = nullptr;
    std::vector<std::string> names;
    std::vector<sent> all;
};

struct noted_owner final : dead_letter_owner {
    void buried(lane, std::int64_t offset) override { done.push_back(offset); }
    void unburied(std::string_view text) override { trouble = text; }
    std::vector<std::int64_t> done;
    std::string trouble;
};

struct desk {
    boost::asio::io_context loop;
    kept_producer producer;
    std::string cannot;  // why topics cannot be made
    std::vector<std::string> made;
    dead_letters letters{loop.get_executor(), producer,
                         [this](std::string topic) -> boost::asio::awaitable<std::string> {
                             made.push_back(topic);
                             co_return cannot;
                         }};
    noted_owner owner;
    test::background running{loop, letters.run()};

    dead_letter letter(std::int64_t offset) {
        dead_letter out;
        out.in = 1;
        out.topic = "web";
        out.partition = 3;
        out.offset = offset;
        out.key = "k";
        out.value = "v";
        out.has_key = out.has_value = true;
        out.why = {"mapper_parsing_exception", "field x", 400, 2};
        out.route = "r";
        out.sink = "s";
        return out;
    }
    void until(const std::function<bool()>& ready) { test::run_until(loop, ready); }
};

TEST_CASE("a dead letter is final with its report, not before", "[transfer]") {
    desk on;
    on.letters.write(on.owner, on.letter(17));
    on.until([&] { return on.producer.all.size() == 1; });
    CHECK(on.made == std::vector<std::string>{"web.dead"});
    const auto& sent = on.producer.all[0];
    CHECK(sent.topic == "web.dead");
    CHECK(sent.key == "k");
    CHECK(sent.value == "v");
    CHECK(sent.headers.at("logagent.source") == "web/3/17");
    CHECK(sent.headers.at("logagent.reason") == "mapper_parsing_exception");
    CHECK(sent.headers.at("logagent.route") == "r");
    CHECK(sent.headers.at("logagent.sink") == "s");
    CHECK(sent.headers.at("logagent.status") == "400");
    CHECK(sent.headers.at("logagent.attempts") == "2");
    CHECK(sent.headers.at("logagent.time").size() == 24);
    CHECK(on.owner.done.empty());
    on.producer.listener->delivered(sent.batch, 1);
    CHECK(on.owner.done == std::vector<std::int64_t>{17});
    CHECK(on.letters.waiting() == 0);
}

TEST_CASE("a dead letter that fails is written again, and its route is told why", "[transfer]") {
    desk on;
    on.letters.write(on.owner, on.letter(17));
    on.until([&] { return on.producer.all.size() == 1; });
    on.producer.listener->failed(on.producer.all[0].batch, nullptr,
                                 kafka::error::topic_authorization_failed, false);
    CHECK(on.owner.trouble.find("web.dead") != std::string::npos);
    CHECK(on.owner.done.empty());
    on.until([&] { return on.producer.all.size() == 2; });
    on.producer.listener->delivered(on.producer.all[1].batch, 1);
    CHECK(on.owner.done == std::vector<std::int64_t>{17});
    CHECK(on.letters.waiting() == 0);
}

TEST_CASE("without its topic a dead letter waits", "[transfer]") {
    desk on;
    on.cannot = "not allowed";
    on.letters.write(on.owner, on.letter(17));
    on.until([&] { return on.made.size() == 2; });
    CHECK(on.producer.all.empty());
    CHECK(on.owner.trouble.find("not allowed") != std::string::npos);
    on.cannot.clear();
    on.until([&] { return on.producer.all.size() == 1; });
}

TEST_CASE("a route that has ended hears nothing of its letters", "[transfer]") {
    desk on;
    byte_account account;
    auto letter = on.letter(17);
    letter.memory = held_bytes{account, 9};
    on.letters.write(on.owner, std::move(letter));
    on.until([&] { return on.producer.all.size() == 1; });
    on.letters.forget(on.owner);
    CHECK(account.held == 0);
    on.producer.listener->failed(on.producer.all[0].batch, nullptr, kafka::error::transport, true);
    CHECK(on.owner.done.empty());
    CHECK(on.letters.waiting() == 0);
}

TEST_CASE("a dead letter that is refused again stays in its topic", "[transfer]") {
    CHECK(dead_topic_of("web") == "web.dead");
    CHECK(dead_topic_of("web.dead") == "web.dead");
}

}  // namespace
}  // namespace logagent::transfer

#include "kafka/name_cache.hpp"

#include <arpa/inet.h>

#include "cluster.hpp"

namespace logagent::kafka::test {

namespace {

namespace asio = boost::asio;
using addresses = std::vector<asio::ip::address>;

/// Answers from a table and remembers what it was asked.
struct fake_resolver {
    std::map<std::string, std::string> known;  // name to address, comma list
    std::vector<std::string> asked;

    name_lookup look_up() {
        return [this](std::string host) -> asio::awaitable<addresses> {
            asked.push_back(host);
            co_await asio::post(asio::use_awaitable);
            addresses found;
            if (const auto entry = known.find(host); entry != known.end())
                for (std::size_t at = 0; at < entry->second.size();) {
                    const auto end = std::min(entry->second.find(',', at), entry->second.size());
                    found.push_back(asio::ip::make_address(entry->second.substr(at, end - at)));
                    at = end + 1;
                }
            co_return found;
        };
    }
};

struct cache_fixture {
    asio::io_context loop;
    fake_resolver resolver;
    notices pipe{loop.get_executor()};
    name_cache cache{resolver.look_up(), pipe};
    std::vector<std::string> told;

    bool refresh(const std::string& host) { return logagent::test::run(loop, cache.refresh(host)); }

    /// What the loop has been told so far.
    const std::vector<std::string>& notices_read(std::size_t count) {
        logagent::test::background reading{loop,
                                           pipe.read([this](char kind, std::string_view text) {
                                               told.push_back(kind + std::string{text});
                                           })};
        logagent::test::run_until(loop, [&] { return told.size() >= count; });
        return told;
    }

    /// The answer as "address:port ..." or the error.
    std::string resolve(const char* host, const char* service = "9092", int family = AF_UNSPEC) {
        addrinfo hints{};
        hints.ai_family = family;
        addrinfo* list = nullptr;
        if (const int code = cache.resolve(host, service, &hints, &list)) {
            if (code == EAI_AGAIN) return "again";
            if (code == EAI_NONAME) return "no name";
            if (code == EAI_SERVICE) return "service";
            return "error";
        }
        std::string text;
        for (const auto* info = list; info; info = info->ai_next) {
            char host_text[64] = "", port_text[16] = "";
            getnameinfo(info->ai_addr, info->ai_addrlen, host_text, sizeof host_text, port_text,
                        sizeof port_text, NI_NUMERICHOST | NI_NUMERICSERV);
            text += (text.empty() ? "" : " ") + std::string{host_text} + ":" + port_text;
        }
        name_cache::release(list);
        return text;
    }
};

}  // namespace

TEST_CASE("a numeric address is answered without a look-up", "[kafka]") {
    cache_fixture test;
    CHECK(test.resolve("127.0.0.1") == "127.0.0.1:9092");
    CHECK(test.resolve("::1", "1234") == "::1:1234");
    CHECK(test.resolve("::1", "1234", AF_INET) == "no name");
    CHECK(test.resolve("127.0.0.1", "http") == "service");
    CHECK(test.resolve("127.0.0.1", "70000") == "service");
    CHECK(test.resolver.asked.empty());
}

TEST_CASE("an unknown name is asked for again later and told to the loop", "[kafka]") {
    cache_fixture test;
    CHECK(test.resolve("broker") == "again");
    CHECK(test.notices_read(1) == std::vector<std::string>{"Nbroker"});
}

TEST_CASE("a name that was looked up is answered with all its addresses", "[kafka]") {
    cache_fixture test;
    test.resolver.known["broker"] = "10.0.0.1,fd00::1";
    CHECK(test.refresh("broker"));
    CHECK(test.resolve("broker") == "10.0.0.1:9092 fd00::1:9092");
    CHECK(test.resolve("broker", "1", AF_INET6) == "fd00::1:1");
    CHECK(test.resolver.asked == std::vector<std::string>{"broker"});
}

TEST_CASE("a failed look-up keeps the addresses that were known", "[kafka]") {
    cache_fixture test;
    test.resolver.known["broker"] = "10.0.0.1";
    CHECK(test.refresh("broker"));
    test.resolver.known.clear();
    CHECK_FALSE(test.refresh("broker"));
    CHECK(test.resolve("broker") == "10.0.0.1:9092");
}

TEST_CASE("only a look-up that brings other addresses is a change", "[kafka]") {
    cache_fixture test;
    test.resolver.known["broker"] = "10.0.0.1,10.0.0.2";
    CHECK(test.refresh("broker"));
    test.resolver.known["broker"] = "10.0.0.2,10.0.0.1";
    CHECK_FALSE(test.refresh("broker"));
    test.resolver.known["broker"] = "10.0.0.3";
    CHECK(test.refresh("broker"));
    CHECK(test.resolve("broker") == "10.0.0.3:9092");
}

TEST_CASE("a text that cannot be one line is not told", "[kafka]") {
    cache_fixture test;
    test.pipe.tell('N', "two\nlines");
    test.pipe.tell('N', std::string(2000, 'a'));
    test.pipe.tell('N', "good");
    CHECK(test.notices_read(1) == std::vector<std::string>{"Ngood"});
}

TEST_CASE("brokers that the cluster names by host are reached without waiting out a second",
          "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    cluster.advertise(1, "broker-1.test");
    fake_resolver resolver;
    resolver.known["broker-1.test"] = "127.0.0.1";
    producer_options options;
    options.look_up = resolver.look_up();
    options.idempotent = false;  // an idempotent one waits for its id first
    bench bench{cluster.addresses(), options};
    const auto begin = clock::now();
    bench.produce(bench.producer->topic("lines"), 0, 10);
    bench.until_reported(10);
    CHECK(clock::now() - begin < 700ms);  // 300 on a quiet machine; without a wake-up 1000
    CHECK(bench.listener.acked == 10);
    CHECK(resolver.asked.at(0) == "broker-1.test");
}

TEST_CASE("bootstrap brokers given by name are reached without waiting out a second", "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    fake_resolver resolver;
    resolver.known["bootstrap.test"] = "127.0.0.1";
    producer_options options;
    options.look_up = resolver.look_up();
    options.idempotent = false;
    const auto addresses = cluster.addresses();
    const auto begin = clock::now();
    bench bench{"bootstrap.test" + addresses.substr(addresses.find(':')), options};
    bench.produce(bench.producer->topic("lines"), 0, 10);
    bench.until_reported(10);
    CHECK(clock::now() - begin < 700ms);  // 300 on a quiet machine; without a wake-up 1000
}

TEST_CASE("a broker whose name has no address is told in the state, and found once it has one",
          "[kafka]") {
    mock_cluster cluster{1, std::vector<mock_cluster::topic>{{"lines", 1}}};
    fake_resolver resolver;
    producer_options options;
    options.look_up = resolver.look_up();
    options.idempotent = false;
    const auto addresses = cluster.addresses();
    bench bench{"bootstrap.test" + addresses.substr(addresses.find(':')), options};
    bench.produce(bench.producer->topic("lines"), 0, 10);
    bench.until(
        [&] { return bench.producer->state().text.find("bootstrap.test") != std::string::npos; });
    resolver.known["bootstrap.test"] = "127.0.0.1";
    CHECK(bench.drain(5s));
    CHECK(bench.listener.acked == 10);
}

}  // namespace logagent::kafka::test

#include "agent/stdout_producer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "support/run.hpp"
#include "support/test.hpp"

using namespace logagent;
namespace asio = boost::asio;

namespace {

struct pipe_ends {
    std::array<int, 2> fds{};
    explicit pipe_ends(int flags = 0) { REQUIRE(::pipe2(fds.data(), O_CLOEXEC | flags) == 0); }
    ~pipe_ends() {
        close_reader();
        ::close(fds[1]);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;

    void close_reader() {
        if (fds[0] >= 0) ::close(std::exchange(fds[0], -1));
    }
    /// What is in the pipe now.
    std::string read() {
        ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
        std::string out(1 << 20, '\0');
        const auto size = ::read(fds[0], out.data(), out.size());
        out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return out;
    }
};

struct listener final : kafka::delivery_listener {
    void delivered(void* batch, std::uint32_t count) override {
        stored.emplace_back(batch, count);
        records += count;
    }
    void failed(void* batch, const char*, kafka::error code, bool) override {
        refused.emplace_back(batch, code);
    }
    void abandoned() override {}

    std::vector<std::pair<void*, std::uint32_t>> stored;
    std::vector<std::pair<void*, kafka::error>> refused;
    std::size_t records = 0;
};

struct printing {
    asio::io_context loop;
    listener reports;
    std::vector<std::string> broken;
    agent::stdout_producer producer;
    int batch_a = 0, batch_b = 0;

    explicit printing(int fd)
        : producer{loop.get_executor(), fd,
                   [this](const std::string& why) { broken.push_back(why); }} {
        producer.listen(reports);
    }
    std::size_t send(std::string_view key, std::string_view value, void* batch) {
        const kafka::record one{value.data(), static_cast<std::uint32_t>(value.size()),
                                key.empty() ? nullptr : key.data(),
                                static_cast<std::uint32_t>(key.size())};
        const std::span records{&one, 1};
        return producer.produce(producer.topic("t"), 0, records, batch).accepted;
    }
};

}  // namespace

TEST_CASE("records are printed as key, tab, value, and reported later", "[stdout_producer]") {
    pipe_ends pipe;
    printing out{pipe.fds[1]};
    CHECK(out.send("k1", "one", &out.batch_a) == 1);
    CHECK(out.send("k2", "two", &out.batch_a) == 1);
    CHECK(out.send("", "three", &out.batch_b) == 1);
    CHECK(out.reports.stored.empty());
    CHECK(out.producer.outstanding() == 3);
    test::run_until(out.loop, [&] { return out.producer.outstanding() == 0; });
    CHECK(pipe.read() == "k1\tone\nk2\ttwo\n\tthree\n");
    REQUIRE(out.reports.stored.size() == 2);
    CHECK(out.reports.stored[0] == std::pair<void*, std::uint32_t>{&out.batch_a, 2});
    CHECK(out.reports.stored[1] == std::pair<void*, std::uint32_t>{&out.batch_b, 1});
    CHECK(out.producer.failure().empty());
}

TEST_CASE("a reader that stands still neither blocks nor loses anything", "[stdout_producer]") {
    const int flags = GENERATE(0, O_NONBLOCK);
    pipe_ends pipe{flags};
    printing out{pipe.fds[1]};
    const std::string value(10'000, 'v');
    std::string expected;
    std::size_t sent = 0;
    while (out.send("k", value, &out.batch_a) == 1) {
        expected += "k\t" + value + "\n";
        REQUIRE(++sent < 1000);
    }
    CHECK(sent > 20);
    out.loop.poll();
    CHECK(out.reports.records < sent);  // a pipe holds 64 KiB

    std::string got;
    test::run_until(out.loop, [&] {
        got += pipe.read();
        return out.producer.outstanding() == 0;
    });
    got += pipe.read();
    CHECK(got == expected);
    CHECK(out.reports.records == sent);
    CHECK(out.send("k", "more", &out.batch_a) == 1);
}

TEST_CASE("a reader that is gone fails every record, now and later", "[stdout_producer]") {
    pipe_ends pipe;
    printing out{pipe.fds[1]};
    pipe.close_reader();
    CHECK(out.send("k", "one", &out.batch_a) == 1);
    test::run_until(out.loop, [&] { return out.producer.outstanding() == 0; });
    REQUIRE(out.reports.refused.size() == 1);
    CHECK(out.reports.refused[0].first == &out.batch_a);
    CHECK(out.reports.stored.empty());
    CHECK(out.producer.failure().find("Broken pipe") != std::string::npos);
    CHECK(out.broken.size() == 1);

    CHECK(out.send("k", "two", &out.batch_b) == 1);
    CHECK(out.reports.refused.size() == 1);  // not from inside produce()
    test::run_until(out.loop, [&] { return out.producer.outstanding() == 0; });
    CHECK(out.reports.refused.size() == 2);
    CHECK(out.broken.size() == 1);
}

TEST_CASE("a producer may go away with reports outstanding", "[stdout_producer]") {
    pipe_ends pipe;
    asio::io_context loop;
    listener reports;
    {
        agent::stdout_producer producer{loop.get_executor(), pipe.fds[1]};
        producer.listen(reports);
        const kafka::record one{"v", 1, nullptr, 0};
        CHECK(producer.produce_with_headers(0, 0, one, {}, nullptr) == kafka::error::none);
    }
    loop.poll();
    CHECK(reports.records == 0);
}

TEST_CASE("standard output looks like a topic with one partition", "[stdout_producer]") {
    const auto answer = agent::describe_stdout("orders");
    CHECK(answer.topic == "orders");
    CHECK(answer.code == kafka::error::none);
    REQUIRE(answer.partitions.size() == 1);
    CHECK(answer.partitions[0].id == 0);
    CHECK(answer.partitions[0].leader == 0);
}

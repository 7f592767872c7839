// The least that sending the lines of a file costs: read, memchr, rd_kafka_produce_batch, with the
// settings and the budget of the agent and nothing else of it. With --api producer the same lines
// go through kafka::live_producer, which shows what that layer adds.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kafka/instance.hpp"
#include "logagent/async/event.hpp"
#include "logagent/kafka/live_producer.hpp"

namespace {

namespace asio = boost::asio;
namespace kafka = logagent::kafka;
using clock_type = std::chrono::steady_clock;

struct arguments {
    std::vector<std::string> files;
    std::string kafka, topic;
    std::string key = "none", codec = "none", api = "bare";
    std::vector<std::string> set;
    int partition = 0;
    std::size_t chunk = 256 * 1024;
    std::size_t budget = 16 * 1024 * 1024;  // charged as the agent does: bytes, keys, 256 a line
};

struct chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t open = 0;    // lines that are not reported
    std::size_t charge = 0;  // against the budget, given back when the last line is reported
};

constexpr std::size_t line_charge = 256;
constexpr std::size_t longest_key = 320;

/// Cuts files into runs of lines with keys; what both ways of sending share.
class source {
public:
    explicit source(const arguments& given) : given_{given} { open_next(); }
    ~source() {
        if (fd_ >= 0) ::close(fd_);
    }

    bool at_end() const { return fd_ < 0; }
    std::uint64_t lines() const { return lines_; }
    std::uint64_t bytes() const { return total_; }

    /// Reads one chunk; `emit(value, size, key, key_size)` is called for every whole line in it.
    template <class Emit>
    void read(chunk& into, Emit emit) {
        into.bytes = std::make_unique_for_overwrite<char[]>(given_.chunk);
        const auto size = ::pread(fd_, into.bytes.get(), given_.chunk, offset_);
        if (size < 0) throw std::runtime_error{"read failed"};
        const char* at = into.bytes.get();
        const char* const end = at + size;
        while (const auto* stop = static_cast<const char*>(
                   std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) {
            const auto length = static_cast<std::uint32_t>(stop - at);
            const auto start = offset_ + (at - into.bytes.get());
            const auto key_size = build_key(start, start + length + 1);
            emit(at, length, key_size ? keys_.data() : nullptr, key_size);
            into.charge += length + line_charge + key_size;
            ++lines_;
            at = stop + 1;
        }
        const auto used = at - into.bytes.get();
        total_ += static_cast<std::uint64_t>(used);
        offset_ += used;
        if (used == 0) open_next();
    }

private:
    void open_next() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
        offset_ = 0;
        if (next_ == given_.files.size()) return;
        const auto& path = given_.files[next_++];
        fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ < 0) throw std::runtime_error{"cannot open " + path};
        prefix_ = R"(["host-1.example.org","access",")" + path + R"(","K5mW0vQ2c8yT1uJx7bZr3A",)";
        if (prefix_.size() + 48 > longest_key) throw std::runtime_error{"path too long: " + path};
    }

    std::uint32_t build_key(long long start, long long end) {
        if (given_.key == "none") return 0;
        char* at = keys_.data();
        std::memcpy(at, prefix_.data(), prefix_.size());
        at += prefix_.size();
        at = std::to_chars(at, keys_.end(), start).ptr;
        *at++ = ',';
        at = std::to_chars(at, keys_.end(), end).ptr;
        *at++ = ']';
        return static_cast<std::uint32_t>(at - keys_.data());
    }

    const arguments& given_;
    std::size_t next_ = 0;
    int fd_ = -1;
    long long offset_ = 0;
    std::string prefix_;
    std::array<char, longest_key> keys_;
    std::uint64_t lines_ = 0, total_ = 0;
};

kafka::settings settings_of(const arguments& given) {
    std::map<std::string, std::string> properties{{"compression.type", given.codec}};
    for (const auto& pair : given.set) {
        const auto equals = pair.find('=');
        properties[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    const auto checked = kafka::read_settings(given.kafka, properties);
    for (const auto& error : checked.errors)
        throw std::runtime_error{error.key + ": " + error.reason};
    return checked.value;
}

/// The bare way.
std::uint64_t send_bare(const arguments& given, source& lines) {
    asio::io_context unused;
    const kafka::notices notices{unused.get_executor()};
    const kafka::name_cache names{{}, notices};
    const int wake = ::eventfd(0, EFD_NONBLOCK);
    kafka::instance client{settings_of(given), {}, wake, names, notices, 1};
    auto* topic = rd_kafka_topic_new(client.client(), given.topic.c_str(), nullptr);

    std::vector<rd_kafka_message_t> messages;
    std::vector<std::array<char, longest_key>> keys;
    std::size_t in_flight = 0;
    std::uint64_t failed = 0;
    const auto serve = [&](int wait) {
        while (auto* event = rd_kafka_queue_poll(client.queue(), wait)) {
            wait = 0;
            if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
                while (const auto* message = rd_kafka_event_message_next(event)) {
                    if (message->err) ++failed;
                    auto* of = static_cast<chunk*>(message->_private);
                    if (--of->open == 0) {
                        in_flight -= of->charge;
                        delete of;
                    }
                }
            rd_kafka_event_destroy(event);
        }
    };
    while (!lines.at_end()) {
        auto* now = new chunk;
        messages.clear();
        keys.clear();
        lines.read(*now, [&](const char* value, std::uint32_t size, const char* key,
                             std::uint32_t key_size) {
            auto& message = messages.emplace_back();
            message.payload = const_cast<char*>(value);
            message.len = size;
            message.key_len = key_size;
            message._private = now;
            if (key) std::memcpy(keys.emplace_back().data(), key, key_size);
        });
        for (std::size_t i = 0; i < keys.size(); ++i)
            messages[i].key = keys[i].data();
        now->open = messages.size();
        if (messages.empty()) {
            delete now;
            continue;
        }
        in_flight += now->charge;
        const int taken = rd_kafka_produce_batch(topic, given.partition, 0, messages.data(),
                                                 static_cast<int>(messages.size()));
        if (taken != static_cast<int>(messages.size()))
            throw std::runtime_error{"not all lines were taken"};
        serve(0);
        while (in_flight >= given.budget)
            serve(100);
    }
    while (in_flight > 0)
        serve(100);
    return failed;
}

/// The same through our producer.
class sender : public kafka::delivery_listener {
public:
    sender(const arguments& given, source& lines, asio::any_io_executor executor)
        : given_{given},
          lines_{lines},
          producer_{kafka::create_producer(executor, settings_of(given), {})},
          room_{executor} {
        producer_->listen(*this);
    }

    void delivered(void* batch, std::uint32_t count) override {
        auto* of = static_cast<chunk*>(batch);
        of->open -= count;
        if (of->open > 0) return;
        in_flight_ -= of->charge;
        delete of;
        if (in_flight_ < given_.budget * 3 / 4) room_.notify();
    }
    void failed(void* batch, const char*, kafka::error, bool) override {
        ++failed_;
        delivered(batch, 1);
    }
    void abandoned() override {}

    asio::awaitable<void> run() {
        const auto topic = producer_->topic(given_.topic);
        std::vector<kafka::record> records;
        std::vector<std::array<char, longest_key>> keys;
        while (!lines_.at_end()) {
            auto* now = new chunk;
            records.clear();
            keys.clear();
            lines_.read(*now, [&](const char* value, std::uint32_t size, const char* key,
                                  std::uint32_t key_size) {
                records.push_back({value, size, nullptr, key_size});
                if (key) std::memcpy(keys.emplace_back().data(), key, key_size);
            });
            for (std::size_t i = 0; i < keys.size(); ++i)
                records[i].key = keys[i].data();
            now->open = records.size();
            if (records.empty()) {
                delete now;
                continue;
            }
            in_flight_ += now->charge;
            const auto result = producer_->produce(topic, given_.partition, records, now);
            if (result.accepted != records.size() || !result.refused.empty())
                throw std::runtime_error{"not all lines were taken"};
            if (in_flight_ >= given_.budget)
                co_await room_.wait();
            else
                co_await asio::post(asio::use_awaitable);
        }
        const auto deadline = clock_type::now() + std::chrono::minutes{10};
        co_await producer_->drain(deadline);
    }

    asio::awaitable<void> serve() { return producer_->run(); }
    std::uint64_t failures() const { return failed_; }

private:
    const arguments& given_;
    source& lines_;
    std::unique_ptr<kafka::live_producer> producer_;
    logagent::async::event room_;  // in_flight_ fell
    std::size_t in_flight_ = 0;
    std::uint64_t failed_ = 0;
};

std::uint64_t send_through_producer(const arguments& given, source& lines) {
    asio::io_context loop{1};
    sender all{given, lines, loop.get_executor()};
    asio::co_spawn(loop, all.serve(), [](std::exception_ptr) {});
    std::exception_ptr failure;
    asio::co_spawn(loop, all.run(), [&](std::exception_ptr thrown) {
        failure = thrown;
        loop.stop();
    });
    loop.run();
    if (failure) std::rethrow_exception(failure);
    return all.failures();
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int count, char** values) {
    arguments given;
    CLI::App app{"what sending lines costs at least"};
    app.add_option("--kafka", given.kafka)->required();
    app.add_option("--topic", given.topic)->required();
    app.add_option("--partition", given.partition);
    app.add_option("--key", given.key)->check(CLI::IsMember({"none", "full"}));
    app.add_option("--codec", given.codec);
    app.add_option("--api", given.api)->check(CLI::IsMember({"bare", "producer"}));
    app.add_option("--set", given.set, "property=value");
    app.add_option("--chunk", given.chunk);
    app.add_option("--budget", given.budget);
    app.add_option("files", given.files)->required();
    CLI11_PARSE(app, count, values);

    std::uint64_t failed = 0;
    const auto begin = clock_type::now();
    source lines{given};
    try {
        failed =
            given.api == "bare" ? send_bare(given, lines) : send_through_producer(given, lines);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "probe: %s\n", failure.what());
        return 1;
    }
    const std::chrono::duration<double> wall = clock_type::now() - begin;
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::printf(
        "{\"lines\": %llu, \"bytes\": %llu, \"failed\": %llu, \"seconds\": %.3f, \"cpu\": %.3f}\n",
        static_cast<unsigned long long>(lines.lines()),
        static_cast<unsigned long long>(lines.bytes()), static_cast<unsigned long long>(failed),
        wall.count(), seconds(used.ru_utime) + seconds(used.ru_stime));
    std::fflush(stdout);
    _exit(failed ? 1 : 0);
}

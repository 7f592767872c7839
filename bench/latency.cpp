// Write to delivery: writes stamped lines into files at an even rate and reads them back from
// Kafka. The time from write() to the moment a waiting consumer has the record is what is reported;
// the consumer's own part is below a millisecond with fetch.wait.max.ms = 1.

#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

struct arguments {
    std::string kafka, topic, directory;
    int partitions = 1, files = 1000;
    double rate = 1000;  // lines a second over all files
    double seconds = 10, settle = 3;
    std::size_t size = 154;
};

long long nanoseconds() {
    return clock_type::now().time_since_epoch().count();
}

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
    std::array<char, 256> why{};
    if (rd_kafka_conf_set(conf, name, value, why.data(), why.size()) != RD_KAFKA_CONF_OK)
        throw std::runtime_error{why.data()};
}

rd_kafka_t* make_consumer(const arguments& given) {
    auto* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", given.kafka.c_str());
    set(conf, "group.id", "logagent-latency");
    set(conf, "enable.auto.commit", "false");
    set(conf, "fetch.wait.max.ms", "1");
    set(conf, "fetch.queue.backoff.ms", "1");
    set(conf, "socket.nagle.disable", "true");
    std::array<char, 256> why{};
    auto* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
    if (!consumer) throw std::runtime_error{why.data()};
    auto* list = rd_kafka_topic_partition_list_new(given.partitions);
    for (int i = 0; i < given.partitions; ++i)
        rd_kafka_topic_partition_list_add(list, given.topic.c_str(), i)->offset =
            RD_KAFKA_OFFSET_END;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return consumer;
}

class measurement {
public:
    explicit measurement(const arguments& given) : given_{given}, consumer_{make_consumer(given)} {
        for (int i = 0; i < given.files; ++i) {
            const auto path = given.directory + "/" + std::to_string(i) + ".log";
            const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
            if (fd < 0) throw std::runtime_error{"cannot open " + path};
            files_.push_back(fd);
        }
    }

    void run() {
        wait(given_.settle);  // the consumer stands at the end, the agent has the files
        const auto total = static_cast<long long>(given_.rate * given_.seconds);
        const auto begin = nanoseconds();
        for (long long i = 0; i < total; ++i) {
            const auto due =
                begin + static_cast<long long>(1e9 * static_cast<double>(i) / given_.rate);
            while (nanoseconds() < due)
                poll(1);
            write(static_cast<std::size_t>(i));
            if (i % 16 == 0) poll(0);
        }
        written_ = total;
        const auto patience = nanoseconds() + 10'000'000'000LL;
        while (static_cast<long long>(delays_.size()) < total && nanoseconds() < patience)
            poll(10);
    }

    void print() {
        std::sort(delays_.begin(), delays_.end());
        const auto at = [&](double part) {
            if (delays_.empty()) return -1.0;
            const auto last = static_cast<double>(delays_.size() - 1);
            return static_cast<double>(delays_[static_cast<std::size_t>(last * part)]) / 1e6;
        };
        std::printf(
            "{\"written\": %lld, \"received\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
            "\"p999_ms\": %.2f, \"max_ms\": %.2f}\n",
            written_, delays_.size(), at(0.5), at(0.99), at(0.999), at(1));
    }

private:
    void wait(double seconds) {
        const auto end = nanoseconds() + static_cast<long long>(seconds * 1e9);
        while (nanoseconds() < end)
            poll(10);
        delays_.clear();
    }

    void write(std::size_t index) {
        std::string line = "t=" + std::to_string(nanoseconds()) + " ";
        line.resize(given_.size - 1, 'x');
        line += '\n';
        const int fd = files_[index % files_.size()];
        if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            throw std::runtime_error{"write failed"};
    }

    void poll(int milliseconds) {
        while (auto* message = rd_kafka_consumer_poll(consumer_, milliseconds)) {
            const auto now = nanoseconds();
            if (!message->err && message->len > 2 && std::memcmp(message->payload, "t=", 2) == 0)
                delays_.push_back(now - std::atoll(static_cast<const char*>(message->payload) + 2));
            rd_kafka_message_destroy(message);
            milliseconds = 0;
        }
    }

    const arguments& given_;
    rd_kafka_t* consumer_;
    std::vector<int> files_;
    std::vector<long long> delays_;
    long long written_ = 0;
};

}  // namespace

int main(int count, char** values) {
    arguments given;
    CLI::App app{"writes stamped lines and measures when they arrive"};
    app.add_option("--kafka", given.kafka)->required();
    app.add_option("--topic", given.topic)->required();
    app.add_option("--partitions", given.partitions);
    app.add_option("--dir", given.directory, "where the files N.log are")->required();
    app.add_option("--files", given.files);
    app.add_option("--rate", given.rate, "lines a second over all files");
    app.add_option("--seconds", given.seconds);
    app.add_option("--settle", given.settle, "seconds before the first line");
    app.add_option("--size", given.size, "bytes of a line with its end")
        ->check(CLI::Range(32, 1 << 20));
    CLI11_PARSE(app, count, values);
    try {
        measurement all{given};
        all.run();
        all.print();
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "latency: %s\n", failure.what());
        return 1;
    }
    std::fflush(stdout);
    _exit(0);
}

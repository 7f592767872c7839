#include "logagent/tail/replay_disk.hpp"

#include "fake_broker.hpp"
#include "fake_disk.hpp"
#include "logagent/tail/collector.hpp"
#include "memory_file.hpp"
#include "support/test.hpp"

namespace logagent::tail {
namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

/// A collector on a replay's disk, until it is finished or the disk is broken.
struct replayed {
    test::fake_broker broker;
    test::no_watches watches;
    checkpoint::byte_counts counts{};
    std::string broken;

    replayed(test::memory_file& bytes, checkpoint::range range,
             const std::function<void()>& meanwhile = {}) {
        checkpoint::generation_id id;
        id.bits[0] = 5;
        replay_disk disk{"/log/app", bytes, range.end};
        checkpoint::memory_store store{replay_state(disk, id, "/log/app", "t", range, 2)};
        collector_options options;
        options.host = "h";
        options.once = true;
        options.in_flight_bytes = 256 * 1024;
        collector running{options, disk, watches, store, broker.main, broker.careful};
        broker.main.listen(running);
        broker.careful.listen(running.careful_listener());
        fleet::log_target target;
        target.service = "s";
        target.log_path = "/log/app";
        target.topic = "t";
        moment now{time_point{1000s}, 1'000'000};
        running.apply({target}, now);
        for (int round = 0; !running.finished() && disk.broken().empty(); ++round) {
            REQUIRE(round < 10'000);
            for (const auto& name : running.due_topics(now)) {
                kafka::topic_description answer;
                answer.topic = name;
                for (int number = 0; number < 4; ++number)
                    answer.partitions.push_back({number, 1, 1, 1});
                running.described(answer, now);
            }
            running.turn(now);
            broker.main.report(1000);
            if (meanwhile) meanwhile();
            now.steady += 10ms;
        }
        broken = disk.broken();
        counts = running.sums().classes;
        broker.main.forget();
    }
    strings keys() const {
        strings out;
        for (const auto& record : broker.stored)
            out.push_back(record.key);
        return out;
    }
};

std::uint64_t count(const replayed& of, checkpoint::byte_class which) {
    return of.counts[static_cast<std::size_t>(which)];
}

}  // namespace

TEST_CASE("a range is sent with the keys and the partition of the first sending", "[replay_disk]") {
    test::memory_file file{"one\ntwo\r\n\nthree\nfour\n"};
    const replayed got{file, {4, 16}};
    CHECK(got.broken.empty());
    CHECK(got.broker.values("t") == strings{"two", "three"});
    CHECK(got.keys() == strings{R"(["h","s","/log/app","BQAAAAAAAAAAAAAAAAAAAA",4,9])",
                                R"(["h","s","/log/app","BQAAAAAAAAAAAAAAAAAAAA",10,16])"});
    CHECK(got.broker.stored[0].partition == 2);
    CHECK(count(got, checkpoint::byte_class::skipped_at_start) == 4);
    CHECK(count(got, checkpoint::byte_class::acked) == 11);
    CHECK(count(got, checkpoint::byte_class::blank) == 1);
}

TEST_CASE("a large range is sent whole and in order", "[replay_disk]") {
    std::string content;
    strings wanted;
    for (int at = 0; at < 50'000; ++at) {
        wanted.push_back("a line with the number " + std::to_string(at));
        content += wanted.back() + "\n";
    }
    test::memory_file file{content + "not of the range\n"};
    const replayed got{file, {0, content.size()}};
    CHECK(got.broken.empty());
    CHECK((got.broker.values("t") == wanted));
}

TEST_CASE("the last line of a range may have no end", "[replay_disk]") {
    test::memory_file file{"one\ntwo"};
    CHECK(replayed{file, {0, 7}}.broker.values("t") == strings{"one", "two"});
}

TEST_CASE("a file that is truncated while it is read is noticed, nothing of a new life is sent",
          "[replay_disk]") {
    std::string content;
    for (int at = 0; at < 50'000; ++at)
        content += "a line with the number " + std::to_string(at) + "\n";
    test::memory_file file{content};
    const replayed got{file, {0, content.size()}, [&] { file.content = "new\n"; }};
    CHECK(got.broken.find("truncated") != std::string::npos);
    for (const auto& value : got.broker.values("t"))
        REQUIRE(value.starts_with("a line"));
}

}  // namespace logagent::tail

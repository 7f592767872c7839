#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fake_broker.hpp"
#include "fake_disk.hpp"
#include "logagent/checkpoint/memory_store.hpp"
#include "logagent/tail/collector.hpp"
#include "support/test.hpp"

namespace logagent::test {

using strings = std::vector<std::string>;

/// One host in memory; its clock moves only when a test says so.
struct host {
    fake_disk disk;
    no_watches watches;
    fake_broker broker;
    checkpoint::memory_store store;
    std::unique_ptr<tail::collector> running;
    tail::moment now{tail::time_point{std::chrono::seconds{1000}}, 1'000'000};
    tail::collector_options options;
    std::map<std::string, int> partitions{{"t", 1}, {"u", 1}, {"t.dead", 1}};
    std::map<std::string, kafka::error> topic_errors;

    host() {
        options.host = "h";
        start();
    }
    void start() {
        running = std::make_unique<tail::collector>(options, disk, watches, store, broker.main,
                                                    broker.careful);
        broker.main.listen(*running);
        broker.careful.listen(running->careful_listener());
    }
    static fleet::log_target target(std::string path, std::string topic = "t") {
        fleet::log_target wanted;
        wanted.service = "s";
        wanted.log_path = std::move(path);
        wanted.topic = std::move(topic);
        return wanted;
    }
    /// What was written before is older than what comes now by more than a tick of the clock.
    void tick() {
        now.wall_ms += 20;
        disk.now_ns += 20'000'000;
    }
    void apply(std::vector<fleet::log_target> wanted) {
        tick();
        running->apply(std::move(wanted), now);
        settle();
        REQUIRE(running->applied());
    }
    void describe() {
        for (const auto& name : running->due_topics(now)) {
            kafka::topic_description answer;
            answer.topic = name;
            answer.code = topic_errors.contains(name) ? topic_errors[name] : kafka::error::none;
            for (int id = 0; id < partitions[name]; ++id)
                answer.partitions.push_back({id, 1, 1, 1});
            if (answer.code == kafka::error::none && answer.partitions.empty())
                answer.code = kafka::error::unknown_topic_or_partition;
            running->described(answer, now);
        }
    }
    /// Turns and reports until nothing more happens at this moment.
    void settle(std::size_t reports = 1'000'000) {
        for (int round = 0; round < 10'000; ++round) {
            describe();
            const auto next = running->turn(now);
            const bool waiting = broker.main.outstanding() + broker.careful.outstanding() > 0;
            if (reports > 0) {
                broker.main.report(reports);
                broker.careful.report(reports);
            }
            if (next > now.steady && (!waiting || reports == 0)) return;
        }
        FAIL("the collector never comes to rest");
    }
    void pass(tail::duration time) {
        const auto until = now.steady + time;
        while (now.steady < until) {
            now.steady += std::chrono::milliseconds{100};
            now.wall_ms += 100;
            disk.now_ns += 100'000'000;
            settle();
        }
    }
    void wrote(const std::string& path, std::string_view bytes) {
        disk.write(path, bytes);
        changed(os::inotify::change::written, path);
    }
    void changed(os::inotify::change what, const std::string& path) {
        const auto slash = path.find_last_of('/');
        running->changed(what, path.substr(0, slash), path.substr(slash + 1), now);
    }
    void rename(const std::string& from, const std::string& to) {
        disk.rename(from, to);
        changed(os::inotify::change::vanished, from);
        changed(os::inotify::change::appeared, to);
    }
    void restart(bool saved = true) {
        if (saved) running->save_positions();
        running.reset();
        broker.main.forget();
        broker.careful.forget();
        now.wall_ms += 1000;
        disk.now_ns += 1'000'000'000;
        start();
    }
    /// Every byte is in exactly one class, in flight or unread.
    void check_ledger(std::uint64_t bytes) const {
        const auto sums = running->sums();
        std::uint64_t total = sums.in_flight + sums.unread;
        for (const auto count : sums.classes)
            total += count;
        CHECK(total == bytes);
    }
};

inline std::string lines(int from, int to) {
    std::string text;
    for (int at = from; at < to; ++at)
        text += "line " + std::to_string(at) + "\n";
    return text;
}

inline strings numbered(int from, int to) {
    strings all;
    for (int at = from; at < to; ++at)
        all.push_back("line " + std::to_string(at));
    return all;
}

}  // namespace logagent::test

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "logagent/kafka/producer.hpp"

namespace logagent::test {

struct stored_record {
    std::string topic;
    std::int32_t partition = 0;
    std::string key;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers;
    bool careful = false;
    std::uint64_t call = 0;  // of the program under test, in which it was handed over
};

/// A cluster in memory. Records wait until report() is called; a judge decides what becomes of
/// each.
class fake_broker {
public:
    std::vector<stored_record> stored;
    std::function<kafka::error(const stored_record&)> judge = [](const auto&) {
        return kafka::error::none;
    };
    bool refuses_all = false;  // produce() takes nothing, as a client that is being rebuilt
    int refusals = 0;
    /// Whether a record that is reported as failed is stored all the same.
    std::function<bool(const stored_record&)> stores_failed = [](const auto&) { return false; };
    /// Whether the records of that partition are answered at all.
    std::function<bool(const std::string&, std::int32_t)> answers = [](const auto&, auto) {
        return true;
    };
    /// Sees every record that a client takes, every one that is stored, every failure.
    std::function<void(const stored_record&)> on_taken = [](const auto&) {};
    std::function<void(const stored_record&)> on_stored = [](const auto&) {};
    /// Of those that are stored, what the program under test is told about.
    std::function<void(const stored_record&)> on_delivered = [](const auto&) {};
    std::function<void(const stored_record&, kafka::error)> on_failed = [](const auto&, auto) {};

    class client final : public kafka::producer {
    public:
        client(fake_broker& at, bool careful) : at_{at}, careful_{careful} {}

        void listen(kafka::delivery_listener& to) override { to_ = &to; }
        kafka::topic_handle topic(std::string_view name) override {
            names_.emplace_back(name);
            return static_cast<kafka::topic_handle>(names_.size() - 1);
        }
        kafka::produce_result produce(kafka::topic_handle topic, std::int32_t partition,
                                      std::span<const kafka::record> records,
                                      void* batch) override {
            if (at_.refuses_all) {
                ++at_.refusals;
                return {};
            }
            ++at_.calls_;
            for (const auto& one : records)
                take(topic, partition, one, {}, batch);
            return {records.size(), {}};
        }
        kafka::error produce_with_headers(kafka::topic_handle topic, std::int32_t partition,
                                          const kafka::record& single,
                                          std::span<const kafka::header> headers,
                                          void* batch) override {
            if (at_.refuses_all) return kafka::error::queue_full;
            take(topic, partition, single, headers, batch);
            return kafka::error::none;
        }
        std::size_t outstanding() const override { return waiting_.size(); }

        /// Reports at most `count` records, in order. Values are read now, as the real client does
        /// while it sends: memory that was freed too early shows here.
        void report(std::size_t count) {
            for (auto at = waiting_.begin(); count > 0 && at != waiting_.end(); --count) {
                if (!at_.answers(at->record.topic, at->record.partition)) {
                    ++at;
                    continue;
                }
                auto next = std::move(*at);
                at = waiting_.erase(at);
                next.record.value.assign(next.value, next.size);
                const auto code = at_.judge(next.record);
                if (code == kafka::error::none) {
                    at_.store(next.record);
                    at_.on_delivered(next.record);
                    to_->delivered(next.batch, 1);
                } else {
                    const bool stored = at_.stores_failed(next.record);
                    if (stored) at_.store(next.record);
                    at_.on_failed(next.record, code);
                    to_->failed(next.batch, next.value, code, stored);
                }
            }
        }
        /// The process is gone; nobody asks for reports any more. The first `stored` records had
        /// reached the cluster.
        void forget(std::size_t stored = 0) {
            for (auto& each : waiting_) {
                if (stored-- == 0) break;
                each.record.value.assign(each.value, each.size);
                at_.store(each.record);
            }
            waiting_.clear();
        }
        /// As after a fatal error: nothing that waits is ever reported.
        void abandon(std::size_t stored = 0) {
            forget(stored);
            to_->abandoned();
        }

    private:
        struct waiting {
            stored_record record;
            const char* value;
            std::size_t size;
            void* batch;
        };
        void take(kafka::topic_handle topic, std::int32_t partition, const kafka::record& one,
                  std::span<const kafka::header> headers, void* batch) {
            stored_record record{names_.at(topic), partition, {}, {}, {}, careful_, at_.calls_};
            if (one.key) record.key.assign(one.key, one.key_size);
            for (const auto& each : headers)
                record.headers.emplace_back(std::string{each.name}, std::string{each.value});
            record.value.assign(one.value, one.size);
            at_.on_taken(record);
            record.value.clear();  // it is read again when it is sent
            waiting_.push_back({std::move(record), one.value, one.size, batch});
        }

        fake_broker& at_;
        bool careful_;
        kafka::delivery_listener* to_ = nullptr;
        std::vector<std::string> names_;
        std::deque<waiting> waiting_;
    };

    client main{*this, false};
    client careful{*this, true};

    void store(const stored_record& record) {
        stored.push_back(record);
        on_stored(record);
    }

    std::vector<std::string> values(const std::string& topic) const {
        std::vector<std::string> found;
        for (const auto& each : stored)
            if (each.topic == topic) found.push_back(each.value);
        return found;
    }

private:
    std::uint64_t calls_ = 0;
};

}  // namespace logagent::test

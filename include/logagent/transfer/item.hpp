#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "logagent/kafka/group_consumer.hpp"

namespace logagent::transfer {

/// One assignment of one partition to us. Numbers are never used twice in a process, so what comes
/// back late for a partition that went away and returned is told apart.
using lane = std::uint32_t;

/// Bytes of memory that records of one route hold. Must outlive them.
struct byte_account {
    std::uint64_t held = 0;
    std::function<void()> freed;  // called when some were given back; empty = nobody asks
};

/// A part of an account, given back when it is destroyed.
class held_bytes {
public:
    held_bytes() = default;
    held_bytes(byte_account& of, std::uint64_t bytes) noexcept : of_{&of}, bytes_{bytes} {
        of.held += bytes;
    }
    held_bytes(held_bytes&& other) noexcept
        : of_{std::exchange(other.of_, nullptr)}, bytes_{other.bytes_} {}
    held_bytes& operator=(held_bytes&& other) noexcept {
        std::swap(of_, other.of_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~held_bytes() {
        if (!of_) return;
        of_->held -= bytes_;
        if (of_->freed) of_->freed();
    }

private:
    byte_account* of_ = nullptr;
    std::uint64_t bytes_ = 0;
};

/// A record on its way through a route. Whoever holds it keeps Kafka's memory of it; all items are
/// gone before their consumer is.
struct item {
    lane in = 0;
    kafka::consumed_record record;
    held_bytes memory = {};  // what the route's bound is measured by
};

/// Why a sink will never take a record: it becomes a dead letter.
struct refusal {
    std::string reason;     // a short code for headers and metrics: "mapper_parsing_exception"
    std::string text;       // one line for a person
    unsigned status = 0;    // of the sink's answer; 0 = none
    unsigned attempts = 1;  // how often the sink was asked
};

}  // namespace logagent::transfer

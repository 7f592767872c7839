#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "logagent/transfer/settings.hpp"

namespace logagent::transfer {

/// What a range has gathered so far.
struct hdfs_gathered {
    std::uint64_t bytes = 0;  // before compression
    std::uint64_t records = 0;
    std::size_t hours = 0;                        // so many files
    std::chrono::steady_clock::time_point first;  // when its first record came
    std::chrono::steady_clock::time_point last;   // and its last one
};

/// When a range ends and is published.
class hdfs_roll {
public:
    /// A range that is spread over more hours is a lot of small files, each with a descriptor.
    static constexpr std::size_t most_hours = 48;

    explicit hdfs_roll(const sink_options& how)
        : bytes_{how.roll_bytes},
          records_{how.roll_records},
          age_{how.roll_age},
          idle_{how.roll_idle} {}

    /// Nothing more goes in.
    bool full(const hdfs_gathered& have) const noexcept {
        return have.bytes >= bytes_ || (records_ > 0 && have.records >= records_) ||
               have.hours >= most_hours;
    }

    /// When it ends although it is not full: by the clock, whether or not another record comes.
    std::chrono::steady_clock::time_point due(const hdfs_gathered& have) const noexcept {
        auto when = std::chrono::steady_clock::time_point::max();
        if (have.records == 0) return when;
        if (age_.count() > 0) when = std::min(when, have.first + age_);
        if (idle_.count() > 0) when = std::min(when, have.last + idle_);
        return when;
    }

private:
    std::uint64_t bytes_;
    std::uint64_t records_;  // 0 = no such limit
    std::chrono::seconds age_;
    std::chrono::seconds idle_;
};

}  // namespace logagent::transfer

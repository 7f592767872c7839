#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "logagent/transfer/sink.hpp"
#include "transfer/storm_batch.hpp"

namespace logagent::transfer {

/// Records of one partition that wait for a batch. Pure but for making documents.
class storm_lane {
public:
    using clock = std::chrono::steady_clock;

    storm_lane(const lane_start& start, std::string route);

    void take(item next, clock::time_point now);

    /// A batch is worth sending: enough records or bytes, the first has waited long enough, or the
    /// lane drains.
    bool ready(const sink_options& how, clock::time_point now) const noexcept;
    /// When the first record has waited long enough; max = there is none.
    clock::time_point due(const sink_options& how) const noexcept;

    /// The next batch, of at most `limit` bytes. Empty: the first record alone is too large for
    /// one, and is handed over in `too_large`.
    storm_batch next_batch(const sink_options& how, const document_maker& documents,
                           std::deque<item>& too_large);

    bool empty() const noexcept { return waiting_.empty(); }
    void drop() { waiting_.clear(); }

    const lane number;
    bool draining = false;
    bool ended = false;
    std::size_t sending = 0;  // batches

private:
    struct arrived {
        item what;
        clock::time_point when;
    };
    source_record source_of(const item& from) const;

    kafka::partition_name partition_;
    std::string topic_id_;
    std::string route_;
    std::deque<arrived> waiting_;
    std::size_t bytes_ = 0;  // of values and keys that wait
    std::string made_;       // the document of the first one, if it did not fit the last batch
};

}  // namespace logagent::transfer

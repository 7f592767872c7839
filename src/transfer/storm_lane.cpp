#include "transfer/storm_lane.hpp"

#include <algorithm>

namespace logagent::transfer {

namespace {

std::size_t bytes_of(const item& one) {
    return one.record.value.size() + one.record.key.size();
}

}  // namespace

storm_lane::storm_lane(const lane_start& start, std::string route)
    : number{start.in},
      partition_{start.partition},
      topic_id_{start.topic_id},
      route_{std::move(route)} {}

void storm_lane::take(item next, clock::time_point now) {
    bytes_ += bytes_of(next);
    waiting_.push_back(arrived{std::move(next), now});
}

bool storm_lane::ready(const sink_options& how, clock::time_point now) const noexcept {
    if (waiting_.empty() || ended) return false;
    return draining || waiting_.size() >= how.batch_records || bytes_ >= how.batch_bytes ||
           now >= due(how);
}

storm_lane::clock::time_point storm_lane::due(const sink_options& how) const noexcept {
    if (waiting_.empty() || ended) return clock::time_point::max();
    return waiting_.front().when + how.batch_age;
}

source_record storm_lane::source_of(const item& from) const {
    source_record made;
    made.topic = from.record.topic;
    made.topic_id = topic_id_;
    made.partition = from.record.partition;
    made.offset = from.record.offset;
    made.timestamp_ms = from.record.timestamp_ms;
    made.key = from.record.key;
    made.value = from.record.value;
    return made;
}

storm_batch storm_lane::next_batch(const sink_options& how, const document_maker& documents,
                                   std::deque<item>& too_large) {
    storm_batch batch{partition_.topic, partition_.number, route_};
    while (!waiting_.empty() && batch.size() < how.batch_records) {
        item& first = waiting_.front().what;
        const std::size_t bytes = bytes_of(first);
        if (made_.empty()) {
            document made;
            documents.make(made, source_of(first));
            made_ = std::move(made.json);
        }
        if (!batch.add(first, made_, how.batch_bytes)) {
            if (!batch.empty()) return batch;
            too_large.push_back(std::move(first));
        }
        made_.clear();
        bytes_ -= bytes;
        waiting_.pop_front();
    }
    return batch;
}

}  // namespace logagent::transfer

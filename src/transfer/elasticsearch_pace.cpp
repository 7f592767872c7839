#include "transfer/elasticsearch_pace.hpp"

#include <algorithm>

namespace logagent::transfer {

namespace {

constexpr std::uint64_t least_bytes = 1024;
constexpr std::uint32_t first_requests = 2;

}  // namespace

request_pace::request_pace(std::uint32_t most_requests, std::uint64_t most_bytes,
                           std::uint32_t most_records)
    : most_requests_{std::max(most_requests, 1U)},
      most_bytes_{std::max(most_bytes, least_bytes)},
      most_records_{std::max(most_records, 1U)},
      requests_{std::min(most_requests_, first_requests)},
      bytes_{most_bytes_},
      records_{most_records_} {}

void request_pace::taken() {
    if (++taken_ < requests_) return;
    taken_ = 0;
    requests_ = std::min(requests_ + 1, most_requests_);
    // An eighth, so that a limit that is near is not overrun at once again.
    bytes_ = std::min(bytes_ + bytes_ / 8, most_bytes_);
    records_ = std::min(records_ + std::max(records_ / 8, 1U), most_records_);
}

void request_pace::overloaded(time_point sent, time_point now, std::uint64_t bytes,
                              std::uint32_t records) {
    if (sent < reduced_) return;
    reduced_ = now;
    taken_ = 0;
    requests_ = std::max(requests_ / 2, 1U);
    // Of what was really sent: limits far above it would have to be halved many times.
    bytes_ = std::max(std::min(bytes_, bytes) / 2, least_bytes);
    records_ = std::max(std::min(records_, records) / 2, 1U);
}

void request_pace::too_large(std::uint64_t bytes) {
    most_bytes_ = std::max(std::min(most_bytes_, bytes / 2), least_bytes);
    bytes_ = std::min(bytes_, most_bytes_);
}

}  // namespace logagent::transfer

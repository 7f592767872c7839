#include "transfer/hdfs_workshop.hpp"

#include <algorithm>

namespace logagent::transfer {

hdfs_workshop::hdfs_workshop(sink_parts its_parts, hdfs_layout its_layout,
                             const sink_settings& where, const sink_options& how)
    : parts{std::move(its_parts)},
      layout{std::move(its_layout)},
      roll{how},
      client{parts.executor, parts.names, where, how.timeout},
      spool_limit{std::max<std::uint64_t>(16 * how.roll_bytes, 256u << 20)},
      free_uploads{std::max<std::uint32_t>(how.concurrency, 1)} {}

std::size_t hdfs_workshop::gather() const noexcept {
    constexpr std::size_t all = 8u << 20, least = 4u << 10, most = 64u << 10;
    return std::clamp(all / std::max<std::size_t>(open_files, 1), least, most);
}

void hdfs_workshop::trouble(lane in, std::string text) {
    if (text.empty())
        troubles_.erase(in);
    else
        troubles_[in] = std::move(text);
    std::string now;
    if (!troubles_.empty()) now = troubles_.begin()->second;
    if (now == told_) return;
    told_ = std::move(now);
    parts.to.stalled(told_);
}

}  // namespace logagent::transfer

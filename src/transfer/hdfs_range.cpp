#include "transfer/hdfs_range.hpp"

#include "logagent/os/clock.hpp"
#include "transfer/hdfs_workshop.hpp"

namespace logagent::transfer {

hdfs_range::hdfs_range(hdfs_workshop& shop, hdfs_layout its_layout, hdfs_source its_source,
                       bool is_repeated)
    : layout{std::move(its_layout)},
      source{std::move(its_source)},
      repeated{is_repeated},
      shop_{shop} {}

hdfs_range::~hdfs_range() {
    while (!files.empty())
        drop(files.begin()->first);
}

int hdfs_range::prepare(utc_hour hour) {
    if (files.contains(hour)) return 0;
    hdfs_spool spool{shop_.parts.spool};
    if (const int failure = spool.open()) return failure;
    files.emplace(hour, file{std::move(spool), 0});
    ++shop_.open_files;
    ++have_.hours;
    return 0;
}

int hdfs_range::add(utc_hour hour, std::string_view line, std::int64_t time_ms) {
    auto& into = files.at(hour);
    const int failure = into.spool.append(line, shop_.gather());
    ++into.records;
    have_.last = os::coarse_now();
    if (have_.records++ == 0) have_.first = have_.last;
    have_.bytes += line.size() + 1;
    shop_.spooled += line.size() + 1;
    last_time_ms = time_ms;
    return failure;
}

int hdfs_range::flush() {
    for (auto& [hour, each] : files)
        if (const int failure = each.spool.flush()) return failure;
    return 0;
}

void hdfs_range::drop(utc_hour hour) {
    const auto found = files.find(hour);
    shop_.spooled -= found->second.spool.size();
    --shop_.open_files;
    files.erase(found);
}

}  // namespace logagent::transfer

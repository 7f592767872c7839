#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/json_writer.hpp"

namespace logagent::agent {

/// Which partitions the lines of this host go to, so that whoever follows them need not read whole
/// topics.
class written_partitions {
public:
    /// A file of the service; `partition` -1 = any of the topic, or not known yet.
    void add(std::string_view service, std::string_view topic, std::int32_t partition);

    /// Everything of `other` is in here too.
    bool holds(const written_partitions& other) const;

    /// The array `[{"service","topic","partitions":[0,4]}]`, partitions null for all of them.
    /// Elements that do not fit below `to` bytes of the whole are left out; returns how many.
    std::size_t write(json_writer& out, std::size_t to) const;

private:
    using name = std::pair<std::string, std::string>;  // service, topic

    std::map<name, std::optional<std::set<std::int32_t>>> topics_;
};

}  // namespace logagent::agent

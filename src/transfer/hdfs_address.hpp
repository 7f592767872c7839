#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "logagent/http/client.hpp"

namespace logagent::transfer {

/// Where a part of a request goes that the NameNode sent elsewhere.
struct hdfs_address {
    http::endpoint to;
    std::string target;  // path and query, as they came
};

/// Reads "http://datanode7:9864/webhdfs/v1/...?op=CREATE&...". A NameNode names DataNodes as they
/// name themselves, which may mean nothing here: `rewrite` has the hosts to dial instead, each with
/// a port or without. nullopt: this is no such address.
std::optional<hdfs_address> read_hdfs_address(std::string_view location,
                                              const std::map<std::string, std::string>& rewrite);

}  // namespace logagent::transfer

#include "sink_kinds.hpp"

#include <algorithm>

#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

namespace {

constexpr sink_kind table[] = {
    {sink_type::elasticsearch, "elasticsearch", create_elasticsearch_sink, "url", ""},
    {sink_type::hdfs, "hdfs", create_hdfs_sink, "url", "root", true},
    {sink_type::storm, "storm", create_storm_sink, "", ""},
    {sink_type::kafka, "kafka", create_kafka_sink, "kafka_addr", "topic"},
    {sink_type::standard_output, "stdout", create_file_sink, "", ""},
    {sink_type::file, "file", create_file_sink, "path", ""},
};

}  // namespace

const sink_kind* find_kind(std::string_view name) {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const sink_kind& one) { return one.name == name; });
    return found == std::end(table) ? nullptr : found;
}

const sink_kind& kind_of(sink_type type) {
    return *std::find_if(std::begin(table), std::end(table),
                         [&](const sink_kind& one) { return one.type == type; });
}

std::string_view name(sink_type type) {
    return kind_of(type).name;
}

}  // namespace logagent::transfer

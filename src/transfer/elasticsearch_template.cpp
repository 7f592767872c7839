#include "transfer/elasticsearch_template.hpp"

#include <algorithm>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::transfer {

namespace {

// Beyond what Elasticsearch itself has for logs-*-*, which would make data streams of our indices.
constexpr std::size_t least_priority = 200;

}  // namespace

std::string template_name(const index_pattern& pattern) {
    std::string name = "logagent-" + pattern.wildcard();
    std::replace(name.begin(), name.end(), '*', '_');
    return name;
}

std::string template_body(const index_pattern& pattern, std::string_view field_kind) {
    const std::string word = R"({"type":"keyword","ignore_above":1024})";
    std::string body = "{\"index_patterns\":[";
    base::append_json_string(body, pattern.wildcard());
    body += "],\"priority\":";
    base::append_number(body, least_priority + pattern.literal_bytes());
    // Nothing that is not known here is looked at, so no document can conflict with another one.
    body += R"(,"template":{"mappings":{"dynamic":false,"properties":{)"
            R"("@timestamp":{"type":"date"},"message":{"type":"text"},)";
    for (const std::string_view name : {"host", "service", "path", "topic", "event_id"}) {
        body += '"';
        body += name;
        body += "\":" + word + ",";
    }
    body +=
        R"("kafka":{"properties":{"partition":{"type":"integer"},"offset":{"type":"long"}}},)"
        R"("encoding_error":{"type":"boolean"},"parse_error":{"type":"boolean"},"fields":{"type":")";
    body += field_kind;
    body += field_kind == "object" ? "\",\"enabled\":false}" : "\"}";
    body += "}}}}";
    return body;
}

}  // namespace logagent::transfer

#include "delivery/container_line.hpp"

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace logagent::delivery {

namespace {

namespace json = boost::json;

std::uint8_t stream_of(std::string_view name) noexcept {
    if (name == "stdout") return 0;
    return name == "stderr" ? 1 : 2;
}

bool read_docker(std::string_view text, container_line& out, std::string& scratch) {
    unsigned char buffer[4096];
    json::monotonic_resource memory{buffer, sizeof buffer};
    json::parse_options options;
    options.allow_invalid_utf8 = true;  // the content is bytes
    boost::system::error_code failed;
    const auto whole = json::parse({text.data(), text.size()}, failed, &memory, options);
    if (failed || !whole.is_object()) return false;
    const auto* const log = whole.get_object().if_contains("log");
    if (!log || !log->is_string()) return false;
    const auto& content = log->get_string();
    scratch.assign(content.data(), content.size());
    out.complete = scratch.ends_with('\n');
    if (out.complete) scratch.pop_back();
    out.content = scratch;
    const auto* const stream = whole.get_object().if_contains("stream");
    out.stream = 2;
    if (stream && stream->is_string())
        out.stream = stream_of({stream->get_string().data(), stream->get_string().size()});
    return true;
}

}  // namespace

bool read_cri(std::string_view text, container_line& out) noexcept {
    const auto time = text.find(' ');
    if (time == text.npos || time == 0 || text[0] < '0' || text[0] > '9') return false;
    const auto name = text.find(' ', time + 1);
    if (name == text.npos) return false;
    out.stream = stream_of(text.substr(time + 1, name - time - 1));
    if (out.stream > 1) return false;
    const auto tags = std::min(text.find(' ', name + 1), text.size());
    const auto tag = text.substr(name + 1, tags - name - 1);
    if (tag.empty() || (tag[0] != 'P' && tag[0] != 'F')) return false;
    if (tag.size() > 1 && tag[1] != ':') return false;
    out.complete = tag[0] == 'F';
    out.content = text.substr(std::min(tags + 1, text.size()));
    return true;
}

bool read_container_line(fleet::decode_kind format, std::string_view text, container_line& out,
                         std::string& scratch) {
    // A carriage return before the line end is of the line, not of the format.
    return format == fleet::decode_kind::cri ? read_cri(text, out)
                                             : read_docker(text, out, scratch);
}

}  // namespace logagent::delivery

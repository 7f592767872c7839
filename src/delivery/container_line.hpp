#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "logagent/fleet/log_target.hpp"

namespace logagent::delivery {

/// A line as a container runtime writes it.
struct container_line {
    std::string_view content;
    std::uint8_t stream = 0;  // 0 standard output, 1 standard error, 2 something else
    bool complete = true;     // false: the next line of the stream goes on with the text
};

/// Reads one line, given without its line end. False: it is not valid in that format. `scratch`
/// holds what has to be unescaped; otherwise the content lies within `text`.
///
/// cri: `<time> stdout|stderr P|F[:tags] <content>`. docker: `{"log":"content\n","stream":...}`,
/// where a content without line feed goes on.
bool read_container_line(fleet::decode_kind format, std::string_view text, container_line& out,
                         std::string& scratch);

/// The same of a line of which only the beginning is there: for cri enough to know stream and
/// completeness.
bool read_cri(std::string_view text, container_line& out) noexcept;

}  // namespace logagent::delivery

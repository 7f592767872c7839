#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"

namespace logagent::transfer {

/// What makes the `fields` of a document out of its line.
class line_fields {
public:
    virtual ~line_fields() = default;

    /// Appends a JSON object, or nothing and returns false: the line is not of this kind.
    virtual bool append(std::string& out, std::string_view line) const = 0;
};

/// "nginx", "json", "re2:PATTERN"; null for "". Refuses anything else, in one line.
base::result<std::unique_ptr<line_fields>> create_line_fields(std::string_view parse);

/// The fields of a line of an access log in nginx's `combined` format (`main` and Apache's too),
/// named as nginx names its variables; what is "-" is left out. `status` and `body_bytes_sent` are
/// numbers. False = it is no such line, and nothing was appended.
bool append_access_log_fields(std::string& out, std::string_view line);

}  // namespace logagent::transfer

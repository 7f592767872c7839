#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.hpp"
#include "cli/text_table.hpp"

namespace logagent::cli {

namespace json = boost::json;

/// What `logagent ctl` asks of the API for one line of words. Pure.
struct ctl_call {
    std::string method = "GET";
    std::string path;             // below /api/v1, with its query
    json::value body;             // null = none
    bool changes = false;         // a reason is needed
    std::string precondition_of;  // path of what is changed: its ETag becomes If-Match, or if it is
                                  // not there If-None-Match: *
    bool follow_pages = false;    // a list: all pages are read
    bool stream = false;          // server-sent events, printed as they come
    bool plan_first = false;      // the answer is a plan, which is then applied
    std::string_view table;       // how the answer is shown; "" = as JSON
};

/// One row of what ctl can do.
struct ctl_verb {
    std::string_view noun;
    std::string_view verb;
    std::string_view words;  // what stands behind it, for help and messages
    std::string_view help;
};

std::span<const ctl_verb> ctl_verbs();

/// Reads the words behind `ctl`; `file` is the content of --file, if it is given. Throws
/// usage_error.
ctl_call read_call(std::span<const std::string> words, const arguments& given,
                   const std::optional<json::value>& file);

/// A table of an answer, by the name in ctl_call::table.
std::string ctl_table(std::string_view table, const json::value& answer);

/// What a problem document says, one line for each mistake.
std::vector<std::string> problem_lines(const json::value& problem, unsigned status);

}  // namespace logagent::cli

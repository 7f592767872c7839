#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace logagent::cli {

/// Fields of a document of unknown shape, as text that is safe to print. What is missing or of
/// another type is null, empty or 0.

namespace json = boost::json;

const json::value* member(const json::value* value, std::string_view name);
std::string text_of(const json::value* value);
std::string text_of(const json::value& from, std::string_view name);
/// Not below 0.
double number_of(const json::value* value);
double number_of(const json::value& from, std::string_view name);
const json::array& array_of(const json::value* value);

/// Two blanks for each level, a line end at the end.
std::string indented_json(const json::value& from);

/// "1.5 KiB".
std::string bytes_text(double bytes);

}  // namespace logagent::cli

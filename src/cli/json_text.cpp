#include "cli/json_text.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

const json::value* member(const json::value* value, std::string_view name) {
    const auto* object = value ? value->if_object() : nullptr;
    return object ? object->if_contains(name) : nullptr;
}

std::string text_of(const json::value* value) {
    if (!value) return {};
    if (const auto* text = value->if_string()) return base::visible(*text);
    if (const auto* number = value->if_int64()) return std::to_string(*number);
    if (const auto* number = value->if_uint64()) return std::to_string(*number);
    return {};
}

std::string text_of(const json::value& from, std::string_view name) {
    return text_of(member(&from, name));
}

double number_of(const json::value* value) {
    if (!value || !value->is_number()) return 0;
    return std::max(0.0, value->to_number<double>());
}

double number_of(const json::value& from, std::string_view name) {
    return number_of(member(&from, name));
}

std::string bytes_text(double bytes) {
    return base::format_bytes(static_cast<std::uint64_t>(std::min(bytes, 9e18)));
}

const json::array& array_of(const json::value* value) {
    static const json::array none;
    const auto* array = value ? value->if_array() : nullptr;
    return array ? *array : none;
}

}  // namespace logagent::cli

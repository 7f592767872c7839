#include "cli/json_text.hpp"

#include <boost/json/serialize.hpp>

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

namespace {

void indent(const json::value& from, std::string& out, std::size_t depth) {
    const std::string blanks(2 * (depth + 1), ' ');
    const std::string end(2 * depth, ' ');
    if (const auto* object = from.if_object(); object && !object->empty()) {
        const char* before = "{\n";
        for (const auto& each : *object) {
            out += before + blanks + json::serialize(each.key()) + ": ";
            indent(each.value(), out, depth + 1);
            before = ",\n";
        }
        out += '\n' + end + '}';
    } else if (const auto* array = from.if_array(); array && !array->empty()) {
        const char* before = "[\n";
        for (const auto& each : *array) {
            out += before + blanks;
            indent(each, out, depth + 1);
            before = ",\n";
        }
        out += '\n' + end + ']';
    } else {
        out += json::serialize(from);
    }
}

}  // namespace

std::string indented_json(const json::value& from) {
    std::string out;
    indent(from, out, 0);
    return out + '\n';
}

}  // namespace logagent::cli

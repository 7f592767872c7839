#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/throw_exception.hpp>
#include <ostream>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::base {

namespace {

json_error wrong_type(const json_field& field, std::string_view wanted) {
    return field.complain(
        "type", "expected " + std::string{wanted} + ", got " + std::string{kind_of(field.value())});
}

json_error out_of_range(const json_field& field, const std::string& least,
                        const std::string& most) {
    return field.complain("range", "expected a number from " + least + " to " + most);
}

bool has_fraction(const json::value& value) {
    return value.is_double();
}

}  // namespace

std::string describe(const json_error& error) {
    std::string out = error.pointer.empty() ? "document" : visible(error.pointer, 200);
    out += ": " + visible(error.text, 400);
    if (error.offset != 0) out += " (at byte " + std::to_string(error.offset) + ")";
    return out;
}

std::ostream& operator<<(std::ostream& out, const json_error& error) {
    return out << error.code << " at " << describe(error);
}

void throw_exception_from_error(const json_error& error, const boost::source_location& where) {
    boost::throw_exception(problem_error{problem{error.code, describe(error)}}, where);
}

void append_pointer(std::string& pointer, std::string_view name) {
    pointer.push_back('/');
    for (const char c : name) {
        if (c == '~') {
            pointer += "~0";
        } else if (c == '/') {
            pointer += "~1";
        } else {
            pointer.push_back(c);
        }
    }
}

void append_pointer(std::string& pointer, std::size_t index) {
    pointer.push_back('/');
    append_number(pointer, index);
}

std::string_view kind_of(const json::value& value) noexcept {
    switch (value.kind()) {
        case json::kind::null:
            return "null";
        case json::kind::bool_:
            return "true or false";
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_:
            return "a number";
        case json::kind::string:
            return "text";
        case json::kind::array:
            return "an array";
        case json::kind::object:
            return "an object";
    }
    return "nothing";
}

json_error json_field::complain(std::string code, std::string text) const {
    return {pointer_, std::move(code), std::move(text), 0};
}

json_result<json_field> json_field::at(std::string_view name) const {
    const auto* members = value_->if_object();
    if (!members) return wrong_type(*this, "an object");
    std::string pointer = pointer_;
    append_pointer(pointer, name);
    const auto* member = members->if_contains(name);
    if (!member) return json_error{std::move(pointer), "missing", "the field is missing", 0};
    return json_field{*member, std::move(pointer)};
}

std::optional<json_field> json_field::find(std::string_view name) const {
    const auto* member = value_->get_object().if_contains(name);
    if (!member || member->is_null()) return std::nullopt;
    std::string pointer = pointer_;
    append_pointer(pointer, name);
    return json_field{*member, std::move(pointer)};
}

json_field json_field::at(std::size_t index) const {
    std::string pointer = pointer_;
    append_pointer(pointer, index);
    return json_field{value_->get_array()[index], std::move(pointer)};
}

json_result<const json::object*> json_field::object() const {
    if (const auto* object = value_->if_object()) return object;
    return wrong_type(*this, "an object");
}

json_result<const json::array*> json_field::array() const {
    if (const auto* array = value_->if_array()) return array;
    return wrong_type(*this, "an array");
}

json_result<std::string_view> json_field::text() const {
    if (const auto* text = value_->if_string()) return std::string_view{text->data(), text->size()};
    return wrong_type(*this, "text");
}

json_result<bool> json_field::boolean() const {
    if (const auto* truth = value_->if_bool()) return *truth;
    return wrong_type(*this, "true or false");
}

json_result<std::int64_t> json_field::integer(std::int64_t least, std::int64_t most) const {
    if (!value_->is_number()) return wrong_type(*this, "a number");
    if (has_fraction(*value_)) return complain("type", "expected a number without a fraction");
    // A value that was made, not parsed, may hold a small number as unsigned.
    boost::system::error_code too_large;
    const auto number = value_->to_number<std::int64_t>(too_large);
    if (too_large || number < least || number > most)
        return out_of_range(*this, std::to_string(least), std::to_string(most));
    return number;
}

json_result<std::uint64_t> json_field::unsigned_integer(std::uint64_t most) const {
    if (!value_->is_number()) return wrong_type(*this, "a number");
    if (has_fraction(*value_)) return complain("type", "expected a number without a fraction");
    if (const auto* number = value_->if_uint64(); number && *number <= most) return *number;
    if (const auto* number = value_->if_int64();
        number && *number >= 0 && static_cast<std::uint64_t>(*number) <= most)
        return static_cast<std::uint64_t>(*number);
    return out_of_range(*this, "0", std::to_string(most));
}

json_result<std::int64_t> json_field::wire_integer() const {
    const auto* text = value_->if_string();
    if (!text) return integer();
    std::int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc{} || stop != end)
        return complain("type", "expected a whole number in quotes");
    return number;
}

}  // namespace logagent::base

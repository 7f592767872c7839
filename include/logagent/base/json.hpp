#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/error.hpp"

namespace logagent::base {

namespace json = boost::json;

/// Where and why a JSON document, or one field of it, is not accepted.
///
/// Codes of the parser: "syntax", "incomplete", "trailing", "utf8", "depth", "size", and the faults
/// "duplicate_key", "number" (not finite, or an integer beyond 64 bits), "nul".
/// Codes of the accessors: "missing", "type", "range".
struct json_error {
    std::string pointer;  // RFC 6901; "" is the whole document
    std::string code;
    std::string text;
    std::size_t offset = 0;  // byte at which the parser stood; 0 from an accessor

    json_error() = default;
    json_error(std::string at, std::string its_code, std::string its_text, std::size_t its_offset)
        : pointer{std::move(at)},
          code{std::move(its_code)},
          text{std::move(its_text)},
          offset{its_offset} {}

    bool operator==(const json_error&) const = default;
};

template <class T>
using json_result = boost::system::result<T, json_error>;

/// One line for people: `/0/topic: expected text, got a number`.
std::string describe(const json_error& error);

std::ostream& operator<<(std::ostream& out, const json_error& error);

[[noreturn]] void throw_exception_from_error(const json_error& error,
                                             const boost::source_location& where);

struct json_limits {
    std::size_t max_bytes = 1'572'864;  // 1.5 MiB, what etcd stores at most
    std::size_t max_depth = 32;
    /// What is well formed but ambiguous or not representable (duplicate key, number, NUL) is
    /// collected in json_parser::faults() instead of ending the parse. For documents whose parts
    /// are judged one by one; such a part must then not be used.
    bool collect_faults = false;
};

/// Strict JSON in slices: refuses everything that two readers could understand differently.
///
/// feed() any number of pieces, then finish(). The work of one feed() is linear in its piece, so a
/// big document fed in pieces of some ten KiB does not stall the loop. A parser is used once.
class json_parser {
public:
    explicit json_parser(json_limits limits = {});
    ~json_parser();
    json_parser(json_parser&&) noexcept;
    json_parser& operator=(json_parser&&) noexcept;

    /// Parses one more piece. After false, error() says why and the parser takes nothing more.
    bool feed(std::string_view piece);

    /// Ends the document and hands its value over. Called once.
    json_result<json::value> finish();

    const json_error& error() const noexcept;

    /// With collect_faults: what was found, in the order of the document.
    const std::vector<json_error>& faults() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The whole document at once.
json_result<json::value> parse_json(std::string_view text, json_limits limits = {});

/// Appends one reference token to a JSON pointer, escaped.
void append_pointer(std::string& pointer, std::string_view name);
void append_pointer(std::string& pointer, std::size_t index);

/// A value together with the place it has in its document, so that every complaint names the place.
/// Borrows the value, which must outlive it.
class json_field {
public:
    explicit json_field(const json::value& value, std::string pointer = {})
        : value_{&value}, pointer_{std::move(pointer)} {}

    const json::value& value() const noexcept { return *value_; }
    const std::string& pointer() const noexcept { return pointer_; }

    /// The member `name` of an object. "type" if this is no object, "missing" if it has none.
    json_result<json_field> at(std::string_view name) const;
    /// The same for a member that need not be there; null counts as absent. Requires an object.
    std::optional<json_field> find(std::string_view name) const;
    /// The element at `index` of an array that has it.
    json_field at(std::size_t index) const;

    json_result<const json::object*> object() const;
    json_result<const json::array*> array() const;
    json_result<std::string_view> text() const;
    json_result<bool> boolean() const;
    /// A number without a fraction within [least, most].
    json_result<std::int64_t> integer(
        std::int64_t least = std::numeric_limits<std::int64_t>::min(),
        std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
    json_result<std::uint64_t> unsigned_integer(
        std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const;
    /// A 64-bit number as gRPC gateways write it: in quotes ("42"), or plain.
    json_result<std::int64_t> wire_integer() const;

    /// A complaint about this field.
    json_error complain(std::string code, std::string text) const;

private:
    const json::value* value_;
    std::string pointer_;
};

/// "a number", "text", "an object" ...: the kind of a value in words.
std::string_view kind_of(const json::value& value) noexcept;

}  // namespace logagent::base

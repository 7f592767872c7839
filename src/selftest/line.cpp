#include "selftest/line.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "logagent/base/bytes.hpp"
#include "logagent/base/json.hpp"

namespace logagent::selftest {

namespace {

/// splitmix64: one number after the other from one seed.
std::uint64_t next(std::uint64_t& state) {
    std::uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void append_padding(std::string& out, const line_id& id) {
    static constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -";
    // From all of the id, so that no other id has this padding.
    std::uint64_t state = id.number;
    for (const std::uint64_t part : {std::uint64_t{id.writer}, std::uint64_t{id.life}, id.start})
        state = next(state) ^ part;
    const auto length = next(state) % 1000 == 0 ? 2000 + next(state) % 6000 : next(state) % 150;
    out += '<';
    for (std::uint64_t at = 0, bits = 0; at < length; ++at, bits >>= 6) {
        if (at % 10 == 0) bits = next(state);
        out += letters[bits % letters.size()];
    }
    out += '>';
}

/// Takes " NAME NUMBER" from the front.
template <typename Number>
bool take(std::string_view& text, std::string_view name, Number& number) {
    if (!text.starts_with(name)) return false;
    text.remove_prefix(name.size());
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

std::optional<std::uint64_t> offset_of(const boost::json::value& value) {
    const auto read = base::json_field{value}.unsigned_integer(UINT64_MAX);
    if (!read) return std::nullopt;
    return *read;
}

}  // namespace

std::string make_line(std::string_view run, const line_id& id) {
    std::string out{run};
    out += " writer ";
    base::append_number(out, id.writer);
    out += " life ";
    base::append_number(out, id.life);
    out += " line ";
    base::append_number(out, id.number);
    out += " at ";
    base::append_number(out, id.start);
    out += ' ';
    append_padding(out, id);
    return out;
}

std::optional<line_id> read_line(std::string_view run, std::string_view text) {
    auto rest = text;
    if (!rest.starts_with(run)) return std::nullopt;
    rest.remove_prefix(run.size());
    line_id id;
    if (!take(rest, " writer ", id.writer) || !take(rest, " life ", id.life) ||
        !take(rest, " line ", id.number) || !take(rest, " at ", id.start))
        return std::nullopt;
    if (make_line(run, id) != text) return std::nullopt;
    return id;
}

std::optional<record_key> read_key(std::string_view key) {
    const auto parsed = base::parse_json(key);
    if (!parsed) return std::nullopt;
    const auto* fields = parsed->if_array();
    if (!fields || fields->size() != 6 || !(*fields)[3].is_string()) return std::nullopt;
    const auto start = offset_of((*fields)[4]);
    const auto end = offset_of((*fields)[5]);
    if (!start || !end) return std::nullopt;
    const auto& generation = (*fields)[3].get_string();
    return record_key{std::string{generation.data(), generation.size()}, *start, *end};
}

}  // namespace logagent::selftest

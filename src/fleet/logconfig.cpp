#include "logagent/fleet/logconfig.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>
#include <map>
#include <utility>

#include "fleet/target_fields.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::fleet {

namespace {

namespace json = boost::json;

constexpr std::size_t most_unknown_told = 8;

parsed_logconfig broken(const base::json_error& error) {
    parsed_logconfig out;
    out.broken = true;
    out.errors.push_back({error.pointer, error.code, error.text});
    return out;
}

/// The first reference token of a pointer as an index: which entry a fault lies in.
std::size_t entry_of(std::string_view pointer) {
    std::size_t index = 0;
    if (!pointer.empty())
        std::from_chars(pointer.data() + 1, pointer.data() + pointer.size(), index);
    return index;
}

/// Warns of fields that no row describes; the entry is used all the same.
void warn_of_unknown(entry_reader& reader, const base::json_field& entry,
                     const json::object& members) {
    std::size_t unknown = 0;
    for (const auto& member : members) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (base::find_row(target_fields(), name) || ++unknown > most_unknown_told) continue;
        auto pointer = entry.pointer();
        base::append_pointer(pointer, name.substr(0, 64));
        std::string text = "this version does not know the field; it is ignored";
        if (const auto meant = base::nearest_name(target_fields(), name); !meant.empty())
            text += ". Did you mean '" + std::string{meant} + "'?";
        reader.errors.push_back({std::move(pointer), "unknown_field", std::move(text), false});
    }
    if (unknown > most_unknown_told)
        reader.errors.push_back({entry.pointer(), "unknown_field",
                                 std::to_string(unknown) + " fields are unknown and ignored",
                                 false});
}

bool has_refusal(const std::vector<entry_error>& errors) {
    return std::any_of(errors.begin(), errors.end(),
                       [](const auto& error) { return error.refused; });
}

class array_reader {
public:
    array_reader(const json::value& document, const std::vector<base::json_error>& faults)
        : root_{document} {
        // One fault is enough to refuse an entry; the first one is told.
        for (const auto& fault : faults)
            faults_.try_emplace(entry_of(fault.pointer), &fault);
    }

    parsed_logconfig read(const json::array& entries) {
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (i == most_targets) {
                add_error({pointer_to(i), "limit",
                           "at most 200 entries; this one and those after it are refused"});
                break;
            }
            read_entry(i);
        }
        return std::move(out_);
    }

private:
    static std::string pointer_to(std::size_t index) {
        std::string pointer;
        base::append_pointer(pointer, index);
        return pointer;
    }

    void add_error(entry_error error) { out_.errors.push_back(std::move(error)); }

    void read_entry(std::size_t index) {
        if (const auto fault = faults_.find(index); fault != faults_.end())
            return add_error({fault->second->pointer, fault->second->code, fault->second->text});
        const auto entry = root_.at(index);
        const auto members = entry.object();
        if (!members) return add_error({entry.pointer(), "type", members.error().text});

        auto reader = fleet::read_entry(entry, **members);
        if (!has_refusal(reader.errors)) check_new(reader, index);
        warn_of_unknown(reader, entry, **members);
        if (!has_refusal(reader.errors)) {
            out_.targets.push_back(std::move(reader.target));
            out_.indexes.push_back(index);
        }
        for (auto& error : reader.errors)
            add_error(std::move(error));
    }

    void check_new(entry_reader& reader, std::size_t index) {
        const auto [first, is_new] =
            seen_.try_emplace({reader.target.log_path, reader.target.topic}, index);
        if (!is_new)
            reader.complain(pointer_to(index), "duplicate",
                            "the same log_path and topic as " + pointer_to(first->second));
    }

    base::json_field root_;
    std::map<std::size_t, const base::json_error*> faults_;
    std::map<std::pair<std::string, std::string>, std::size_t> seen_;
    parsed_logconfig out_;
};

}  // namespace

entry_reader read_entry(const base::json_field& entry, const json::object& members) {
    entry_reader reader;
    for (const auto& [row, required, read, write] : target_field_table()) {
        if (!members.contains(row.name)) continue;
        read(reader, row, entry.at(row.name).value());
    }
    check_entry(reader, entry.pointer());
    return reader;
}

parsed_logconfig parse_logconfig(std::string_view text) {
    base::json_limits limits;
    limits.collect_faults = true;
    base::json_parser parser{limits};
    if (!parser.feed(text)) return broken(parser.error());
    const auto document = parser.finish();
    if (!document) return broken(document.error());
    const auto entries = base::json_field{*document}.array();
    if (!entries) return broken(entries.error());
    return array_reader{*document, parser.faults()}.read(**entries);
}

json::object to_json(const log_target& target) {
    json::object out;
    for (const auto& field : target_field_table())
        field.write(out, field.row, target, field.required);
    return out;
}

std::string canonical_logconfig(std::span<const log_target> targets) {
    json::array out;
    for (const auto& target : targets)
        out.push_back(to_json(target));
    return json::serialize(out);
}

std::string content_hash(std::string_view bytes) {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx",
                  static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())));
    return hex;
}

}  // namespace logagent::fleet

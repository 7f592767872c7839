#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace logagent::fleet {

/// One field of a document before and after; absent = it is not there, so its default holds.
struct field_change {
    std::string field;
    std::optional<boost::json::value> before;
    std::optional<boost::json::value> after;

    bool operator==(const field_change&) const = default;
};

enum class change_kind : std::uint8_t { added, removed, changed };

/// What happens to one target: to the entry with this path and topic.
struct entry_change {
    change_kind kind = change_kind::changed;
    std::string log_path;
    std::string topic;
    std::string service;               // afterwards; of a removed entry what it was
    std::vector<field_change> fields;  // of a changed entry; sorted by name

    bool operator==(const entry_change&) const = default;
};

/// Members that differ, sorted by name.
std::vector<field_change> changed_fields(const boost::json::object& before,
                                         const boost::json::object& after);

/// The change between two forms of an entry as to_json() writes them; nullptr = it is not there.
/// nullopt if both are equal.
std::optional<entry_change> change_of(const boost::json::object* before,
                                      const boost::json::object* after);

/// `{"field","before","after"}`, without the side that is absent.
boost::json::object to_json(const field_change& change);

/// `{"kind","log_path","topic","service","fields":[...]}`.
boost::json::object to_json(const entry_change& change);

}  // namespace logagent::fleet

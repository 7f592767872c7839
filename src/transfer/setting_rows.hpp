#pragma once

#include <span>
#include <string_view>

#include "logagent/base/schema.hpp"
#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

/// One key of one kind of section. `set` stores a value that the row has checked, and complains
/// about what the row cannot say.
template <class Into>
struct setting_row {
    base::schema_row row;
    base::result<void> (*set)(Into&, base::schema_value) = nullptr;  // nullptr: only documentation
    std::string_view only = {};  // types of sinks it is for; empty = all
};

std::span<const setting_row<settings>> general_table();
std::span<const setting_row<sink_settings>> sink_table();
std::span<const setting_row<route_settings>> route_table();

/// "host:port" with its port written out.
base::result<http::endpoint> read_endpoint(const std::string& text);

template <class Into>
const setting_row<Into>* find_setting(std::span<const setting_row<Into>> rows,
                                      std::string_view key) {
    for (const auto& one : rows)
        if (one.row.name == key && one.set) return &one;
    return nullptr;
}

template <class Into>
std::vector<base::schema_row> rows_of(std::span<const setting_row<Into>> table) {
    std::vector<base::schema_row> out;
    for (const auto& one : table)
        out.push_back(one.row);
    return out;
}

// Setters that many rows share.

template <auto Member, class Into>
base::result<void> set_text(Into& out, base::schema_value value) {
    out.*Member = std::get<std::string>(std::move(value));
    return {};
}

template <auto Member, class Into>
base::result<void> set_path(Into& out, base::schema_value value) {
    auto path = std::get<std::string>(std::move(value));
    if (path.find('/') != 0) return base::problem{"value", "not an absolute path"};
    out.*Member = std::move(path);
    return {};
}

template <auto Member, class Into>
base::result<void> set_duration(Into& out, base::schema_value value) {
    using duration = std::remove_reference_t<decltype(out.*Member)>;
    out.*Member = duration{std::get<std::int64_t>(value)};
    return {};
}

template <auto Member, class Into>
base::result<void> set_number(Into& out, base::schema_value value) {
    using number = std::remove_reference_t<decltype(out.*Member)>;
    out.*Member = static_cast<number>(std::get<std::int64_t>(value));
    return {};
}

}  // namespace logagent::transfer

#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <vector>

#include "logagent/base/json.hpp"
#include "logagent/base/schema.hpp"
#include "logagent/fleet/logconfig.hpp"

namespace logagent::fleet {

/// The entry that is being read, and what was wrong with it so far.
struct entry_reader {
    log_target target;
    std::vector<entry_error> errors;

    /// The first complaint about a field counts: what follows from it is not told.
    void complain(std::string pointer, std::string code, std::string text) {
        for (const auto& known : errors)
            if (known.pointer == pointer) return;
        errors.push_back({std::move(pointer), std::move(code), std::move(text)});
    }
    void complain(const base::json_error& error) {
        complain(error.pointer, error.code, error.text);
    }
};

/// A row of the table, with how its field is read and written.
struct target_field {
    base::schema_row row;
    bool required = false;  // and always written
    void (*read)(entry_reader&, const base::schema_row&, const base::json_field&) = nullptr;
    /// Adds the field unless it has its default.
    void (*write)(boost::json::object&, const base::schema_row&, const log_target&,
                  bool always) = nullptr;
};

std::span<const target_field> target_field_table();

/// Reads the fields of one entry that the table knows, and checks what they mean.
entry_reader read_entry(const base::json_field& entry, const boost::json::object& members);

/// Checks what the fields mean, after all were read; complains with pointers below `pointer`. A
/// field whose type was wrong has its default here.
void check_entry(entry_reader& reader, const std::string& pointer);

}  // namespace logagent::fleet

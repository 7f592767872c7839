#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::base {

/// One `key = value` of an INI file.
struct ini_entry {
    std::string section;   // lower case, "" before the first [section]
    std::string key;       // lower case
    std::string value;     // without quotes, comment and surrounding blanks
    std::size_t line = 0;  // from 1
};

struct ini_error {
    std::size_t line = 0;
    std::string text;
};

struct ini_section {
    std::string name;
    std::size_t line = 0;
};

/// All that could be read, and everything that could not.
struct ini_document {
    std::vector<ini_entry> entries;     // in the order of the file
    std::vector<ini_section> sections;  // in the order of the file, empty ones included
    std::vector<ini_error> errors;

    const ini_entry* find(std::string_view section, std::string_view key) const;
};

/// Reads the INI dialect of agent.ini.
///
/// Keys and section names are lower-cased; a byte order mark and CR before LF are skipped; `#` and
/// `;` begin a comment at the start of a line and after a blank; a value in double quotes is taken
/// as it stands, comment signs included. There are no includes, no environment variables, no
/// continuation lines. The same key twice in a section is an error that names both lines.
ini_document parse_ini(std::string_view text);

}  // namespace logagent::base

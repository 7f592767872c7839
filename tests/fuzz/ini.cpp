#include "logagent/base/ini.hpp"

#include <algorithm>

#include "fuzz/fuzz.hpp"

/// agent.ini: every entry has a key and the line it stands in, whatever the text is.
void fuzz_one(std::string_view text) {
    const auto document = logagent::base::parse_ini(text);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    for (const auto& entry : document.entries) {
        require(!entry.key.empty() && entry.line >= 1 && entry.line <= lines);
        require(document.find(entry.section, entry.key) != nullptr);
    }
    for (const auto& error : document.errors)
        require(!error.text.empty() && error.line <= lines);
}

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "logagent/fleet/service.hpp"

namespace logagent::fleet {

/// An entry that some key holds.
struct stored_entry {
    service_file file;
    std::string canonical;       // as it would be rendered
    std::uint32_t identity = 0;  // equal for equal path and topic
    std::string refusal;         // why agents refuse it, with the pointer; "" = they do not
};

/// The value of one key.
struct stored_array {
    std::vector<std::uint32_t> entries;  // indexes into stored_arrays, in the order of the array
    std::vector<std::string> refused;    // what agents do not use, and why
    bool broken = false;                 // no array of entries; `refused` says why
};

/// Reads the values of many keys with the same judgement as parse_logconfig(). Most entries of a
/// fleet are equal, byte for byte: each text is parsed once.
class stored_arrays {
public:
    stored_array read(std::string_view value);

    const stored_entry& at(std::uint32_t index) const { return entries_[index]; }
    std::size_t size() const { return entries_.size(); }

private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };

    /// Index of an entry, or one that stands for "this is no JSON".
    std::uint32_t entry_of(std::string_view text);

    std::vector<stored_entry> entries_;
    std::unordered_map<std::string, std::uint32_t, text_hash, std::equal_to<>> by_text_;
    std::map<std::pair<std::string, std::string>, std::uint32_t> identities_;
};

}  // namespace logagent::fleet

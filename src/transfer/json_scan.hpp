#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logagent::transfer {

/// Reads the compact JSON that agents write from its front to its end, without making values of it.
/// After a failure nothing is to be made of what was read.
class json_scan {
public:
    explicit json_scan(std::string_view text) noexcept : rest_{text} {}

    bool eat(char c) noexcept;
    bool eat(std::string_view word) noexcept;
    bool at_end() const noexcept { return rest_.empty(); }

    /// What stands between the quotes of a string, escapes and all.
    std::optional<std::string_view> text() noexcept;
    /// Digits only, at most 19 of them.
    std::optional<std::uint64_t> number() noexcept;

private:
    std::string_view rest_;
};

/// What the inside of a JSON string means: `raw` itself where it has no escapes, else a text in
/// `scratch`. Nothing where an escape means nothing. Half a surrogate pair becomes U+FFFD.
std::optional<std::string_view> unescaped(std::string_view raw, std::string& scratch);

}  // namespace logagent::transfer

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "logagent/base/error.hpp"
#include "logagent/fleet/selector.hpp"

namespace logagent::fleet {

/// Many hosts, and who of them is selected without asking each one.
///
/// Names, addresses and values of labels are sorted once; a pattern is tried on the distinct values
/// it can match, and the answer to a term is kept for the next selection that uses it. The same
/// answers as selects().
class host_index {
public:
    /// Of two hosts with one name the first counts.
    explicit host_index(std::vector<host> hosts);
    ~host_index();
    host_index(host_index&&) noexcept;
    host_index& operator=(host_index&&) noexcept;

    /// In the order of their names; positions below are positions in here.
    std::span<const host> hosts() const;
    std::optional<std::size_t> find(std::string_view name) const;
    /// Every host that has the address, in to_text() form.
    std::span<const std::uint32_t> with_address(std::string_view address) const;

    /// Positions, ascending. Codes "glob", "cidr", "selector": nothing is selected by a selection
    /// with a mistake. Not const: remembers terms.
    base::result<std::vector<std::uint32_t>> select(const host_selection& selection);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace logagent::fleet

#pragma once

#include <optional>
#include <string_view>

#include "logagent/transfer/resend_filter.hpp"

namespace logagent::transfer {

/// The identity in the key of an agent's record: `["host","service","path","generation",start,end]`
/// or `["generation",start,end]`. Nothing for a key that is neither. The result borrows the key.
std::optional<record_identity> identity_of(std::string_view key) noexcept;

}  // namespace logagent::transfer

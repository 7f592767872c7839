#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace logagent::etcd {

/// Standard base64 with padding, as the gateway writes and reads bytes.
std::string base64(std::string_view bytes);

/// nullopt where `text` is not base64 with its padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace logagent::etcd

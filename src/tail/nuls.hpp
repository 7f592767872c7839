#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace logagent::tail {

inline std::size_t leading_nuls(std::string_view text) noexcept {
    return std::min(text.find_first_not_of('\0'), text.size());
}

}  // namespace logagent::tail

#pragma once

#include <string>
#include <string_view>

namespace logagent::transfer {

/// Appends text in GB 18030 (GBK and GB 2312 with it) as UTF-8; U+FFFD for what means nothing.
/// False = there was such a thing.
bool append_gb18030(std::string& out, std::string_view text);

}  // namespace logagent::transfer

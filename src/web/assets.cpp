#include "logagent/web/assets.hpp"

#include <algorithm>
#include <array>

#include "assets.inc"  // made by ui/embed.py

extern "C" {
#define DECLARE(i, path, mime, sha256, size)      \
    extern const char logagent_asset_##i##_begin; \
    extern const char logagent_asset_##i##_end;
LOGAGENT_ASSETS(DECLARE)
#undef DECLARE
}

namespace logagent::web {

std::span<const asset> assets() {
#define ROW(i, path, mime, sha256, size) \
    asset{path, mime, sha256,            \
          std::string_view{&logagent_asset_##i##_begin, &logagent_asset_##i##_end}, size},
    static const auto table = std::to_array<asset>({LOGAGENT_ASSETS(ROW)});
#undef ROW
    return table;
}

const asset* find_asset(std::string_view path) {
    const auto all = assets();
    const auto found = std::ranges::lower_bound(all, path, {}, &asset::path);
    return found != all.end() && found->path == path ? &*found : nullptr;
}

std::string_view asset_tree() {
    return LOGAGENT_ASSET_TREE;
}

}  // namespace logagent::web

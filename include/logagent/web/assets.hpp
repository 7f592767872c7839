#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace logagent::web {

/// One file of the pages as it lies in the program.
struct asset {
    std::string_view path;    // "index.html", "vendor/preact.js"
    std::string_view mime;    // with its charset
    std::string_view sha256;  // of the raw bytes, lower-case hex
    std::string_view gzip;    // the compressed bytes
    std::size_t raw_size = 0;
};

/// All files, sorted by path.
std::span<const asset> assets();

/// The file of this path, or null.
const asset* find_asset(std::string_view path);

/// The hash of all of them, 12 hex digits: part of their URLs, so that a URL never changes its
/// content.
std::string_view asset_tree();

}  // namespace logagent::web

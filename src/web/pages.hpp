#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "logagent/http/server.hpp"

namespace logagent::web {

/// The routes of the pages: their files under /a/<tree>/, and every view, which is index.html. The
/// pages come out of the program, or, in development, out of `ui_dir` where a file lies there.
std::vector<http::route> page_routes(const std::string& ui_dir);

/// index.html, uncached but with an ETag.
http::response page_answer(const http::request& asked, const std::string& ui_dir);

/// The file `path` of the pages. What is asked for under the tree of this program never changes;
/// under another one (an older program's page) it is what there is now.
http::response asset_answer(const http::request& asked, std::string_view tree,
                            std::string_view path, const std::string& ui_dir);

/// Whether an Accept-Encoding allows gzip.
bool takes_gzip(std::string_view accept_encoding);

}  // namespace logagent::web

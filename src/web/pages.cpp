#include "pages.hpp"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "logagent/web/assets.hpp"
#include "precondition.hpp"

namespace logagent::web {

namespace {

// The first segments of the views' paths; ui/main.js has the same.
constexpr std::string_view places[] = {"overview", "services", "new-service", "rollouts", "hosts",
                                       "tail",     "why",      "replays",     "transfer", "drift",
                                       "audit",    "access",   "api"};
constexpr std::string_view index_name = "index.html";

std::string inflated(const asset& file) {
    std::string raw(file.raw_size, '\0');
    z_stream stream{};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.gzip.data()));
    stream.avail_in = static_cast<uInt>(file.gzip.size());
    stream.next_out = reinterpret_cast<Bytef*>(raw.data());
    stream.avail_out = static_cast<uInt>(raw.size());
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream, gzip_only) == Z_OK) inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return raw;
}

/// A path below the directory and nothing else.
bool modest(std::string_view path) {
    return !path.empty() && path.front() != '/' && path.find("..") == path.npos &&
           std::ranges::all_of(path, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_' || c == '/';
           });
}

std::optional<std::string> read_file(const std::string& directory, std::string_view path) {
    if (directory.empty() || !modest(path)) return std::nullopt;
    std::ifstream in{directory + '/' + std::string{path}, std::ios::binary};
    if (!in) return std::nullopt;
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (in.bad()) return std::nullopt;
    constexpr std::string_view mark = "@TREE@";
    for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at))
        text.replace(at, mark.size(), "development");
    return text;
}

std::string_view mime_of(std::string_view path) {
    const auto kind = path.substr(std::min(path.rfind('.'), path.size()));
    for (const auto& file : assets())
        if (!kind.empty() && file.path.ends_with(kind)) return file.mime;
    return "text/plain; charset=utf-8";
}

http::response embedded(const http::request& asked, const asset& file, std::string caching) {
    http::response made;
    const auto etag = '"' + std::string{file.sha256} + '"';
    made.fields = {{"ETag", etag},
                   {"Cache-Control", std::move(caching)},
                   {"Vary", "Accept-Encoding"},
                   {"Content-Type", std::string{file.mime}}};
    if (not_modified(asked, etag)) {
        made.status = 304;
    } else if (takes_gzip(http::find(asked.fields, "Accept-Encoding"))) {
        made.fields.push_back({"Content-Encoding", "gzip"});
        made.body = file.gzip;
    } else {
        made.body = inflated(file);
    }
    return made;
}

http::response from_disk(std::string text, std::string_view path) {
    http::response made;
    made.fields = {{"Cache-Control", "no-store"}, {"Content-Type", std::string{mime_of(path)}}};
    made.body = std::move(text);
    return made;
}

}  // namespace

bool takes_gzip(std::string_view accept_encoding) {
    while (!accept_encoding.empty()) {
        const auto comma = std::min(accept_encoding.find(','), accept_encoding.size());
        auto coding = accept_encoding.substr(0, comma);
        accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
        coding.remove_prefix(std::min(coding.find_first_not_of(" \t"), coding.size()));
        const auto name = coding.substr(0, coding.find_first_of("; \t"));
        if (name != "gzip" && name != "*") continue;
        const auto weight = coding.find("q=0");
        // "q=0", "q=0.0" and so on refuse; "q=0.5" does not.
        return weight == coding.npos ||
               coding.find_first_of("123456789", weight + 2) != coding.npos;
    }
    return false;
}

http::response page_answer(const http::request& asked, const std::string& ui_dir) {
    if (auto text = read_file(ui_dir, index_name)) return from_disk(*std::move(text), index_name);
    return embedded(asked, *find_asset(index_name), "no-cache");
}

http::response asset_answer(const http::request& asked, std::string_view tree,
                            std::string_view path, const std::string& ui_dir) {
    if (auto text = read_file(ui_dir, path)) return from_disk(*std::move(text), path);
    const auto* file = find_asset(path);
    if (!file) return http::plain_text(404, "the pages have no such file");
    const bool for_ever = tree == asset_tree();
    return embedded(asked, *file, for_ever ? "public, max-age=31536000, immutable" : "no-cache");
}

std::vector<http::route> page_routes(const std::string& ui_dir) {
    const http::handler page = [ui_dir](const http::request& asked) {
        return page_answer(asked, ui_dir);
    };
    std::vector<http::route> out;
    const auto add = [&out](std::string pattern, http::handler answer) {
        http::route line;
        line.method = "GET";
        line.pattern = std::move(pattern);
        line.answer = std::move(answer);
        line.body_limit = 0;
        out.push_back(std::move(line));
    };
    add("/a/{tree}/{path...}", [ui_dir](const http::request& asked) {
        return asset_answer(asked, asked.parameter("tree"), asked.parameter("path"), ui_dir);
    });
    add("/", page);
    for (const auto place : places) {
        const auto path = '/' + std::string{place};
        add(path, page);
        // Below "/api" lies the API itself.
        if (place != "api") add(path + "/{view...}", page);
    }
    return out;
}

}  // namespace logagent::web

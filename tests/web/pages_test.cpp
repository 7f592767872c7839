#include "web/pages.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "logagent/web/assets.hpp"
#include "support/test.hpp"

namespace web = logagent::web;
namespace http = logagent::http;

namespace {

http::request asking(std::vector<http::field> fields = {}) {
    http::request made;
    made.fields = std::move(fields);
    return made;
}

std::string field(const http::response& of, std::string_view name) {
    return std::string{http::find(of.fields, name)};
}

/// A new directory, removed at the end.
class scratch {
public:
    scratch() : path_{std::filesystem::temp_directory_path() / "logagent-pages-XXXXXX"} {
        std::string name = path_.string();
        if (!::mkdtemp(name.data())) throw std::runtime_error{"no temporary directory"};
        path_ = name;
    }
    ~scratch() { std::filesystem::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("the files of the pages are sorted, found by their path and hold what they say",
          "[web][pages]") {
    const auto all = web::assets();
    REQUIRE(all.size() > 20);
    CHECK(std::ranges::is_sorted(all, {}, &web::asset::path));
    for (const auto& one : all) {
        INFO(one.path);
        CHECK(web::find_asset(one.path) == &one);
        CHECK(one.gzip.starts_with("\x1f\x8b"));
        CHECK(one.sha256.size() == 64);
        const auto raw = web::asset_answer(asking(), web::asset_tree(), one.path, "");
        CHECK(raw.status == 200);
        CHECK(raw.body.size() == one.raw_size);
        CHECK(field(raw, "Content-Encoding").empty());
    }
    CHECK(web::find_asset("") == nullptr);
    CHECK(web::find_asset("main") == nullptr);
    CHECK(web::find_asset("zzz") == nullptr);
    CHECK(web::asset_tree().size() == 12);
}

TEST_CASE("a page names the files of its own program", "[web][pages]") {
    const auto page = web::page_answer(asking(), "");
    const auto tree = "/a/" + std::string{web::asset_tree()} + "/";
    CHECK(page.body.find(tree + "main.js") != page.body.npos);
    CHECK(page.body.find("@TREE@") == page.body.npos);
    CHECK(field(page, "Cache-Control") == "no-cache");
    CHECK(field(page, "Content-Type") == "text/html; charset=utf-8");
    const auto again = web::page_answer(asking({{"If-None-Match", field(page, "ETag")}}), "");
    CHECK(again.status == 304);
    CHECK(again.body.empty());
}

TEST_CASE("a file is kept for ever under its own tree only", "[web][pages]") {
    const auto own = web::asset_answer(asking(), web::asset_tree(), "main.js", "");
    CHECK(field(own, "Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(field(own, "Content-Type") == "text/javascript; charset=utf-8");
    const auto old = web::asset_answer(asking(), "000000000000", "main.js", "");
    CHECK(old.status == 200);
    CHECK(field(old, "Cache-Control") == "no-cache");
    CHECK(web::asset_answer(asking(), web::asset_tree(), "none.js", "").status == 404);
    CHECK(web::asset_answer(asking(), web::asset_tree(), "../main.js", "").status == 404);
}

TEST_CASE("compressed bytes go to who takes them", "[web][pages]") {
    const auto file = web::find_asset("main.js");
    const auto packed =
        web::asset_answer(asking({{"Accept-Encoding", "br, gzip"}}), "", "main.js", "");
    CHECK(packed.body == file->gzip);
    CHECK(field(packed, "Content-Encoding") == "gzip");
    CHECK(field(packed, "Vary") == "Accept-Encoding");
    CHECK(web::takes_gzip("gzip"));
    CHECK(web::takes_gzip("deflate, *;q=0.5"));
    CHECK(web::takes_gzip("gzip;q=0.001"));
    CHECK_FALSE(web::takes_gzip(""));
    CHECK_FALSE(web::takes_gzip("identity"));
    CHECK_FALSE(web::takes_gzip("gzip;q=0"));
    CHECK_FALSE(web::takes_gzip("gzip;q=0.000, *"));
    CHECK_FALSE(web::takes_gzip("xgzip"));
}

TEST_CASE("in development a file of the directory wins, and nothing outside it is read",
          "[web][pages]") {
    const scratch directory;
    const auto inside = directory.path() / "ui";
    std::filesystem::create_directory(inside);
    std::ofstream{inside / "main.js"} << "import '/a/@TREE@/x.js'";
    std::ofstream{directory.path() / "secret.js"} << "secret";
    const auto changed = web::asset_answer(asking(), "any", "main.js", inside);
    CHECK(changed.body == "import '/a/development/x.js'");
    CHECK(field(changed, "Cache-Control") == "no-store");
    const auto library = web::asset_answer(asking(), "any", "vendor/preact.js", inside);
    CHECK(library.status == 200);
    CHECK(web::asset_answer(asking(), "any", "../secret.js", inside).status == 404);
    const auto absolute = (directory.path() / "secret.js").string();
    CHECK(web::asset_answer(asking(), "any", absolute, inside).status == 404);
}

TEST_CASE("every view is a page, and the API is none", "[web][pages]") {
    const auto routes = web::page_routes("");
    const auto has = [&](std::string_view pattern) {
        return std::ranges::find(routes, pattern, &http::route::pattern) != routes.end();
    };
    CHECK(has("/"));
    CHECK(has("/services"));
    CHECK(has("/services/{view...}"));
    CHECK(has("/api"));
    CHECK_FALSE(has("/api/{view...}"));
}

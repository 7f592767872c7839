#include "transfer/hdfs_layout.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

hdfs_layout layout_of(std::string root, std::string format = "raw", std::string compress = "") {
    hdfs_layout made;
    made.root = std::move(root);
    made.format = std::move(format);
    made.compress = std::move(compress);
    return made;
}

const hdfs_source source{"nginx", "q83vEjRWeJCrze8SNFZ4kA", 7};

TEST_CASE("an hour begins at its first millisecond, before the epoch too", "[transfer][hdfs]") {
    CHECK(hour_of(0) == 0);
    CHECK(hour_of(3'599'999) == 0);
    CHECK(hour_of(3'600'000) == 1);
    CHECK(hour_of(-1) == -1);
    CHECK(hour_of(-3'600'000) == -1);
    CHECK(hour_of(-3'600'001) == -2);
}

TEST_CASE("the directory is that of the hour in UTC", "[transfer][hdfs]") {
    CHECK(directory_of(layout_of("/logs"), "nginx", hour_of(1'796'048'738'000)) ==
          "/logs/nginx/dt=2026-11-30/hour=14");
    CHECK(directory_of(layout_of(""), "nginx", 0) == "/nginx/dt=1970-01-01/hour=00");
    CHECK(directory_of(layout_of("/a/b"), "t", -1) == "/a/b/t/dt=1969-12-31/hour=23");
}

TEST_CASE("a name tells topic, partition and offsets, and sorts by them", "[transfer][hdfs]") {
    CHECK(file_name(layout_of("/l"), source, {41, 1234}) ==
          "q83vEjRWeJCrze8SNFZ4kA+7+00000000000000000041+00000000000000001234.log");
    CHECK(file_name(layout_of("/l", "raw", "gzip"), source, {0, 0}).ends_with(".log.gz"));
    CHECK(file_name(layout_of("/l", "ndjson", "zstd"), source, {0, 0}).ends_with(".log.zst"));
    CHECK(file_name(layout_of("/l"), source, {9, 9}) <
          file_name(layout_of("/l"), source, {10, 10}));
    CHECK(
        file_name(layout_of("/l"), source, {INT64_MAX, INT64_MAX}).find("+09223372036854775807+") !=
        std::string::npos);
}

TEST_CASE("what readers skip begins with an underscore", "[transfer][hdfs]") {
    CHECK(temporary_directory(layout_of("/l"), "hadoop", source) ==
          "/l/_tmp/hadoop/q83vEjRWeJCrze8SNFZ4kA+7");
    CHECK(marker_name(source) == "_complete+q83vEjRWeJCrze8SNFZ4kA+7");
}

TEST_CASE("a plus and an equals sign are escaped in paths", "[transfer][hdfs]") {
    CHECK(percent_encoded("/l/dt=2026/a+1.log") == "/l/dt%3D2026/a%2B1.log");
    CHECK(percent_encoded("a b%\xc3\xa4") == "a%20b%25%C3%A4");
}

TEST_CASE("layouts have the same hash only where they make the same files", "[transfer][hdfs]") {
    const auto one = layout_of("/logs");
    CHECK(one.hash().size() == 16);
    CHECK(one.hash() == layout_of("/logs").hash());
    auto nginx = one;
    nginx.documents.parse = "nginx";
    auto chinese = one;
    chinese.documents.charset = "gb18030";
    auto eastern = one;
    eastern.documents.timezone = "+08:00";
    for (const auto& other : {layout_of("/log"), layout_of("/logs", "ndjson"),
                              layout_of("/logs", "raw", "gzip"), nginx, chinese, eastern}) {
        CHECK(other.hash() != one.hash());
        const auto read = hdfs_layout::from_json(other.to_json());
        REQUIRE(read.has_value());
        CHECK(read->hash() == other.hash());
    }
}

TEST_CASE("a layout of another version is refused", "[transfer][hdfs]") {
    const auto refused = [](std::string_view text) {
        const auto value = base::parse_json(text).value();
        return !hdfs_layout::from_json(value.as_object());
    };
    CHECK(refused(R"({"root":"/l","format":"parquet"})"));
    CHECK(refused(R"({"root":"/l","format":"raw","compress":"lz4"})"));
    CHECK(refused(R"({"root":"/l","format":"raw","zone":"local"})"));
    CHECK(refused(R"({"root":7,"format":"raw"})"));
}

}  // namespace
}  // namespace logagent::transfer

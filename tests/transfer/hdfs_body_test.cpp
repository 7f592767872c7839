#include "transfer/hdfs_body.hpp"

#include <zlib.h>
#include <zstd.h>

#include <filesystem>

#include "os/temporary_directory.hpp"
#include "support/test.hpp"

namespace logagent::transfer {
namespace {

std::string lines(std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
        all += "line " + std::to_string(i * 7919) + " of a log that can be packed\n";
    return all;
}

/// A spool that holds `text`, which ends with a line end.
hdfs_spool filled(const std::string& directory, std::string_view text, std::size_t gather = 1000) {
    hdfs_spool spool{directory};
    REQUIRE(spool.open() == 0);
    while (!text.empty()) {
        const auto end = text.find('\n');
        REQUIRE(spool.append(text.substr(0, end), gather) == 0);
        text.remove_prefix(end + 1);
    }
    REQUIRE(spool.flush() == 0);
    return spool;
}

std::string sent(const hdfs_spool& spool, const std::string& compress,
                 std::shared_ptr<hdfs_body_length> length = std::make_shared<hdfs_body_length>()) {
    auto next = hdfs_body(spool, compress, length);
    std::string all;
    for (std::string slice = next(); !slice.empty(); slice = next())
        all += slice;
    CHECK(length->bytes == all.size());
    CHECK(length->whole);
    return all;
}

std::string unzipped(const std::string& packed, std::size_t size) {
    std::string out(size + 1, '\0');
    ::z_stream stream{};
    REQUIRE(::inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(::inflate(&stream, Z_FINISH) == Z_STREAM_END);
    CHECK(stream.avail_in == 0);
    out.resize(stream.total_out);
    ::inflateEnd(&stream);
    return out;
}

TEST_CASE("a spool has no name, so nothing of it can stay behind", "[transfer][hdfs]") {
    test::temporary_directory directory;
    const auto spool = filled(directory.path(), lines(100));
    CHECK(std::filesystem::is_empty(directory.path()));
    CHECK(spool.size() == lines(100).size());
}

TEST_CASE("a spool that cannot be made says why", "[transfer][hdfs]") {
    hdfs_spool spool{"/nowhere/at/all"};
    CHECK(spool.open() == ENOENT);
}

TEST_CASE("a body is what was spooled, in any size", "[transfer][hdfs]") {
    test::temporary_directory directory;
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{20'000}}) {
        const auto text = lines(count);
        const auto spool = filled(directory.path(), text);
        CHECK(sent(spool, "") == text);
        CHECK(unzipped(sent(spool, "gzip"), text.size()) == text);
        const auto packed = sent(spool, "zstd");
        std::string out(text.size(), '\0');
        CHECK(::ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size()) ==
              text.size());
        CHECK(out == text);
    }
}

TEST_CASE("a packed body is the same in each attempt, however it was spooled", "[transfer][hdfs]") {
    test::temporary_directory directory;
    const auto text = lines(30'000);
    const auto one = filled(directory.path(), text, 100);
    const auto other = filled(directory.path(), text, 1 << 20);
    for (const auto* compress : {"gzip", "zstd"}) {
        const auto packed = sent(one, compress);
        CHECK(packed.size() < text.size() / 2);
        CHECK(sent(one, compress) == packed);
        CHECK(sent(other, compress) == packed);
    }
}

TEST_CASE("a body that was not taken to its end says so", "[transfer][hdfs]") {
    test::temporary_directory directory;
    const auto spool = filled(directory.path(), lines(20'000));
    const auto length = std::make_shared<hdfs_body_length>();
    auto next = hdfs_body(spool, "", length);
    CHECK_FALSE(next().empty());
    CHECK_FALSE(length->whole);
    CHECK(length->bytes > 0);
}

}  // namespace
}  // namespace logagent::transfer

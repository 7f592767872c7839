#include "logagent/os/compressed_file.hpp"

#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "support/packed_bytes.hpp"
#include "support/test.hpp"

using namespace logagent::os;

namespace {

/// A packed file in memory that counts what is read and can grow.
struct packed_file final : file {
    explicit packed_file(std::string* bytes, std::uint64_t* read_bytes = nullptr)
        : bytes_{bytes}, read_{read_bytes} {}
    int status(file_status& out) const override {
        out = {};
        out.inode = 7;
        out.size = bytes_->size();
        return 0;
    }
    std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                      read_mode mode) const override {
        REQUIRE(first.empty());
        if (mode == read_mode::cached && cold_) return -EAGAIN;
        if (offset >= bytes_->size()) return 0;
        const auto size = std::min<std::uint64_t>(second.size(), bytes_->size() - offset);
        std::memcpy(second.data(), bytes_->data() + offset, size);
        if (read_) *read_ += size;
        return static_cast<std::int64_t>(size);
    }
    void will_need(std::uint64_t, std::uint64_t) const override { cold_ = false; }

    std::string* bytes_;
    std::uint64_t* read_;
    mutable bool cold_ = false;
};

std::string zstd(std::string_view plain, int window = 0) {
    auto* const context = ::ZSTD_createCCtx();
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (window) ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
    std::string out(::ZSTD_compressBound(plain.size()) + 64, '\0');
    ZSTD_inBuffer in{plain.data(), plain.size(), 0};
    ZSTD_outBuffer room{out.data(), out.size(), 0};
    // In two steps, so that the frame does not know its content's size and keeps the window.
    ::ZSTD_compressStream2(context, &room, &in, ZSTD_e_continue);
    REQUIRE(::ZSTD_compressStream2(context, &room, &in, ZSTD_e_end) == 0);
    ::ZSTD_freeCCtx(context);
    out.resize(room.pos);
    return out;
}

std::string pack(compression kind, std::string_view plain) {
    return kind == compression::gzip ? logagent::test::gzipped(plain) : zstd(plain);
}

/// Lines that compress, but not to nothing.
std::string lines(std::size_t bytes, std::uint32_t seed = 1) {
    std::string out;
    while (out.size() < bytes) {
        seed = seed * 1664525 + 1013904223;
        out += "request " + std::to_string(seed) + " took " + std::to_string(seed >> 20) + " ms\n";
    }
    out.resize(bytes);
    return out;
}

/// Reads to the end or the first error, `buffer` bytes at a time.
std::pair<std::string, int> read_all(const file& from, std::size_t buffer = 10'000,
                                     std::uint64_t offset = 0) {
    std::string out;
    std::string piece(buffer, '\0');
    for (;;) {
        const auto got = from.read({}, piece, offset, file::read_mode::blocking);
        if (got <= 0) return {out, static_cast<int>(-got)};
        out.append(piece.data(), static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
}

compressed_file open(std::string& packed, compression kind, std::uint64_t* counted = nullptr) {
    return {std::make_unique<packed_file>(&packed, counted), kind};
}

}  // namespace

TEST_CASE("a packed file reads like the one it was made from", "[compressed_file]") {
    const auto kind = GENERATE(compression::gzip, compression::zstd);
    const auto size = GENERATE(0u, 1u, 65'536u, 1'000'003u);
    const auto plain = lines(size);
    auto packed = pack(kind, plain);
    CHECK(compression_of(packed) == kind);

    const auto file = open(packed, kind);
    CHECK_FALSE(file.at_end());
    const auto [content, error] = read_all(file, size > 100 ? 70'000 : 1);
    CHECK(error == 0);
    CHECK(content == plain);
    CHECK(file.at_end());
    CHECK(file.known_size() == plain.size());
    CHECK(file.packed_position() == packed.size());
    file_status status;
    CHECK(file.status(status) == 0);
    CHECK(status.inode == 7);
    CHECK(status.size == plain.size());
}

TEST_CASE("a read fills both of its buffers", "[compressed_file]") {
    auto packed = logagent::test::gzipped("abcdefgh");
    const auto file = open(packed, compression::gzip);
    std::string first(3, '\0');
    std::string second(9, '\0');
    CHECK(file.read(first, second, 1, file::read_mode::blocking) == 7);
    CHECK(first == "bcd");
    CHECK(second.substr(0, 4) == "efgh");
}

TEST_CASE("a read brings all that fits, whatever was unpacked before", "[compressed_file]") {
    const auto plain = lines(3'000'000);
    auto packed = logagent::test::gzipped(plain);
    const auto mode = GENERATE(file::read_mode::blocking, file::read_mode::cached);
    const auto file = open(packed, compression::gzip);
    std::string first(64, '\0');
    std::string second(70'000, '\0');
    REQUIRE(file.read({}, second, 0, mode) == 70'000);
    for (std::size_t at = 70'000; at + 70'000 < plain.size(); at += 70'000) {
        REQUIRE(file.read(first, second, at - 64, mode) == 70'064);
        REQUIRE(first == plain.substr(at - 64, 64));
        REQUIRE(second == plain.substr(at, 70'000));
    }
}

TEST_CASE("a line that is read again and again, longer each time, is unpacked once",
          "[compressed_file]") {
    const std::string plain(4'000'000, 'x');
    auto packed = logagent::test::gzipped(plain + lines(200'000));
    std::uint64_t counted = 0;
    const auto file = open(packed, compression::gzip, &counted);
    std::string piece;
    for (const std::size_t size : {4096u, 16'384u, 65'536u, 262'144u, 1'000'000u}) {
        piece.resize(size);
        CHECK(file.read({}, piece, 2'000'000, file::read_mode::blocking) ==
              static_cast<std::int64_t>(size));
    }
    CHECK(counted <= packed.size());
    const auto before = counted;
    file.release();
    CHECK(file.known_size() >= 3'000'000);
    CHECK(file.read({}, piece, 0, file::read_mode::blocking) == 1'000'000);
    CHECK(counted > before);
}

TEST_CASE(
    "reading in order unpacks each byte once, and a look back within the history costs nothing",
    "[compressed_file]") {
    const auto kind = GENERATE(compression::gzip, compression::zstd);
    const auto plain = lines(3'000'000);
    auto packed = pack(kind, plain);
    std::uint64_t counted = 0;
    const auto file = open(packed, kind, &counted);
    std::string piece(4096, '\0');
    std::string before(64, '\0');
    for (std::uint64_t at = 0; at < plain.size();) {
        const auto got = file.read({}, piece, at, file::read_mode::blocking);
        REQUIRE(got > 0);
        if (at >= 64) {
            REQUIRE(file.read({}, before, at - 64, file::read_mode::blocking) == 64);
            REQUIRE(before == plain.substr(at - 64, 64));
        }
        at += static_cast<std::uint64_t>(got);
    }
    CHECK(counted == packed.size());
    CHECK(file.read({}, piece, plain.size(), file::read_mode::blocking) == 0);
    CHECK(file.at_end());

    // Further back than that begins anew.
    CHECK(file.read({}, before, 0, file::read_mode::blocking) == 64);
    CHECK(before == plain.substr(0, 64));
    CHECK(counted > packed.size());
    CHECK(file.known_size() == plain.size());
    CHECK(file.at_end());
    const auto [content, error] = read_all(file, 1000, 2'300'000);
    CHECK(error == 0);
    CHECK(content == plain.substr(2'300'000));
}

TEST_CASE("members and frames after one another are one file, padding is its end",
          "[compressed_file]") {
    const auto kind = GENERATE(compression::gzip, compression::zstd);
    auto packed = pack(kind, "one\n") + pack(kind, "") + pack(kind, "two\n");
    if (kind == compression::gzip) packed += std::string(1000, '\0');
    if (kind == compression::zstd)
        packed.insert(0, std::string{"\x53\x2a\x4d\x18\x03\x00\x00\x00xyz", 11});
    CHECK(compression_of(packed) == kind);
    const auto file = open(packed, kind);
    const auto [content, error] = read_all(file);
    CHECK(error == 0);
    CHECK(content == "one\ntwo\n");
    CHECK(file.at_end());
}

TEST_CASE("what comes before damage is readable, the damage is EBADMSG", "[compressed_file]") {
    const auto kind = GENERATE(compression::gzip, compression::zstd);
    const auto plain = lines(400'000);
    auto packed = pack(kind, plain);
    SECTION("in the middle") {
        for (std::size_t at = packed.size() / 2; at < packed.size() / 2 + 64; ++at)
            packed[at] = static_cast<char>(~packed[at]);
    }
    SECTION("in the checksum at the end") {
        packed[packed.size() - 1] ^= 1;
    }
    SECTION("behind the last member") {
        packed += "not packed at all";
    }
    const auto file = open(packed, kind);
    const auto [content, error] = read_all(file);
    CHECK(error == EBADMSG);
    CHECK_FALSE(file.at_end());
    CHECK(content.size() > 0);
    std::string piece(10, '\0');
    CHECK(file.read({}, piece, content.size(), file::read_mode::blocking) == -EBADMSG);
}

TEST_CASE("something that is not packed is EBADMSG at once", "[compressed_file]") {
    std::string plain = "just a line of a log\n";
    CHECK(compression_of(plain) == compression::none);
    CHECK(compression_of("") == compression::none);
    CHECK(compression_of("\x1f\x8b") == compression::none);
    CHECK(read_all(open(plain, compression::gzip)).second == EBADMSG);
    CHECK(read_all(open(plain, compression::zstd)).second == EBADMSG);
}

TEST_CASE("a file that is still being packed goes on where it stopped", "[compressed_file]") {
    const auto kind = GENERATE(compression::gzip, compression::zstd);
    const auto plain = lines(500'000);
    const auto whole = pack(kind, plain);
    std::string packed;
    const auto file = open(packed, kind);
    std::string content;
    // More often than zstd lets itself be asked in vain.
    for (std::size_t piece = 0; piece < 40; ++piece) {
        packed = whole.substr(0, whole.size() * piece / 40);
        const auto [more, error] = read_all(file, 5000, content.size());
        CHECK(error == ENODATA);
        CHECK(read_all(file, 5000, content.size() + more.size()).second == ENODATA);
        content += more;
        CHECK_FALSE(file.at_end());
    }
    packed = whole;
    const auto [more, error] = read_all(file, 5000, content.size());
    CHECK(error == 0);
    CHECK(content + more == plain);
    CHECK(file.at_end());
}

TEST_CASE("a window of zstd that costs too much memory is refused", "[compressed_file]") {
    auto packed = zstd(lines(3000), 25);
    CHECK(read_all(open(packed, compression::zstd)).second == ENOTSUP);
}

TEST_CASE("a cached read far ahead works in bounded steps", "[compressed_file]") {
    const auto plain = lines(5'000'000);
    auto packed = logagent::test::gzipped(plain);
    const auto file = open(packed, compression::gzip);
    std::string piece(100, '\0');
    int asked = 0;
    std::int64_t got = -EAGAIN;
    std::uint64_t before = 0;
    while (got == -EAGAIN) {
        got = file.read({}, piece, 4'900'000, file::read_mode::cached);
        CHECK(file.known_size() - before <= (1u << 20) + compressed_file::step);
        before = file.known_size();
        ++asked;
    }
    CHECK(asked == 5);
    CHECK(got == 100);
    CHECK(piece == plain.substr(4'900'000, 100));

    CHECK(file.advance(0, 100'000, file::read_mode::blocking) == 0);
    CHECK(file.advance(300'000, 100'000, file::read_mode::blocking) == EAGAIN);
    CHECK(file.advance(300'000, 1'000'000, file::read_mode::blocking) == 0);
    CHECK(file.advance(9'000'000, 9'000'000, file::read_mode::blocking) == 0);
    CHECK(file.at_end());
}

TEST_CASE("packed bytes that are not in the cache are asked for", "[compressed_file]") {
    auto packed = logagent::test::gzipped("a line\n");
    auto source = std::make_unique<packed_file>(&packed);
    source->cold_ = true;
    compression kind = compression::none;
    CHECK(detect_compression(*source, file::read_mode::cached, kind) == EAGAIN);
    CHECK(detect_compression(*source, file::read_mode::cached, kind) == 0);
    CHECK(kind == compression::gzip);
    source->cold_ = true;
    const compressed_file file{std::move(source), kind};
    std::string piece(100, '\0');
    CHECK(file.read({}, piece, 0, file::read_mode::cached) == -EAGAIN);
    CHECK(file.read({}, piece, 0, file::read_mode::cached) == 7);
}

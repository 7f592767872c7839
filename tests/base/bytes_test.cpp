#include "logagent/base/bytes.hpp"

#include <limits>

#include "support/test.hpp"

using namespace logagent::base;

TEST_CASE("a size is shown in the largest unit that keeps it above one", "[bytes]") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1024) == "1 KiB");
    CHECK(format_bytes(1536) == "1.5 KiB");
    CHECK(format_bytes(16 * 1024 * 1024) == "16 MiB");
    CHECK(format_bytes(1024 * 1024 - 1) == "1 MiB");
    CHECK(format_bytes(std::numeric_limits<std::uint64_t>::max()) == "16 EiB");
}

TEST_CASE("a size is read in every way people write it", "[bytes]") {
    CHECK(*parse_bytes("65536") == 65536);
    CHECK(*parse_bytes("64 KiB") == 65536);
    CHECK(*parse_bytes("64k") == 65536);
    CHECK(*parse_bytes("64kB") == 65536);
    CHECK(*parse_bytes(" 16 MiB ") == 16 * 1024 * 1024);
    CHECK(*parse_bytes("10 B") == 10);
    CHECK(*parse_bytes("15E") == 15ULL << 60);
}

TEST_CASE("what is no size, or too large a one, is refused", "[bytes]") {
    for (const char* text : {"", "KiB", "-1", "1.5 MiB", "16 XiB", "16 MiBs", "1 2", "0x10"})
        CHECK(parse_bytes(text).error().code == "syntax");
    CHECK(parse_bytes("16E").error().code == "range");
    CHECK(parse_bytes("99999999999999999999").error().code == "range");
}

TEST_CASE("base64 gives the vectors of RFC 4648 and reads them back", "[bytes]") {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        CHECK(base64_encode(plain) == coded);
        CHECK(*base64_decode(coded) == plain);
    }
}

TEST_CASE("every byte survives base64, base64url and hex", "[bytes]") {
    std::string all;
    for (int i = 0; i < 256; ++i)
        all.push_back(static_cast<char>(i));
    for (std::size_t cut = 0; cut < 4; ++cut) {
        const auto bytes = all.substr(cut);
        CHECK(*base64_decode(base64_encode(bytes)) == bytes);
        CHECK(*base64url_decode(base64url_encode(bytes)) == bytes);
        CHECK(*hex_decode(hex_encode(bytes)) == bytes);
    }
    CHECK(base64url_encode("\xFB\xFF") == "-_8");
    CHECK(base64_encode("\xFB\xFF") == "+/8=");
    CHECK(hex_encode("\x01\xAF") == "01af");
}

TEST_CASE("text that is not exactly base64 is refused", "[bytes]") {
    for (const char* text : {"Zg", "Zg=", "Z===", "Zg==\n", "Zh==", "Z-==", "Zg==Zg==", "===="})
        CHECK_FALSE(base64_decode(text).has_value());
    for (const char* text : {"Z", "Zg==", "Z+", "Zh"})
        CHECK_FALSE(base64url_decode(text).has_value());
    CHECK_FALSE(hex_decode("abc").has_value());
    CHECK_FALSE(hex_decode("0g").has_value());
}

TEST_CASE("numbers of every size fit into the promised room", "[bytes]") {
    std::string out = "[";
    append_number(out, std::numeric_limits<std::uint64_t>::max());
    out += ',';
    append_number(out, std::numeric_limits<std::int64_t>::min());
    CHECK(out == "[18446744073709551615,-9223372036854775808");
}

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

TEST_CASE("every byte survives base64 and base64url", "[bytes]") {
    std::string all;
    for (int i = 0; i < 256; ++i)
        all.push_back(static_cast<char>(i));
    for (std::size_t cut = 0; cut < 4; ++cut) {
        const auto bytes = all.substr(cut);
        CHECK(*base64_decode(base64_encode(bytes)) == bytes);
        CHECK(*base64url_decode(base64url_encode(bytes)) == bytes);
    }
    CHECK(base64url_encode("\xFB\xFF") == "-_8");
    CHECK(base64_encode("\xFB\xFF") == "+/8=");
}

TEST_CASE("text that is not exactly base64 is refused", "[bytes]") {
    for (const char* text : {"Zg", "Zg=", "Z===", "Zg==\n", "Zh==", "Z-==", "Zg==Zg==", "===="})
        CHECK_FALSE(base64_decode(text).has_value());
    for (const char* text : {"Z", "Zg==", "Z+", "Zh"})
        CHECK_FALSE(base64url_decode(text).has_value());
}

TEST_CASE("hex has two lower-case digits for each byte", "[bytes]") {
    CHECK(hex_encode("\x01\xAF") == "01af");
}

TEST_CASE("numbers of every size fit into the promised room", "[bytes]") {
    std::string out = "[";
    append_number(out, std::numeric_limits<std::uint64_t>::max());
    out += ',';
    append_number(out, std::numeric_limits<std::int64_t>::min());
    CHECK(out == "[18446744073709551615,-9223372036854775808");
}

#include "etcd/base64.hpp"

#include "support/test.hpp"

using logagent::etcd::base64;
using logagent::etcd::from_base64;

TEST_CASE("base64 follows the vectors of RFC 4648", "[etcd]") {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
    }
}

TEST_CASE("every byte survives base64, and what is not base64 is refused", "[etcd]") {
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    CHECK(from_base64(base64(all)) == all);
    for (const char* text : {"Zg=", "Z===", "====", "Zm9", "Zm9_", "Zg==Zg==", "Zm 9"}) {
        INFO(text);
        CHECK_FALSE(from_base64(text).has_value());
    }
}

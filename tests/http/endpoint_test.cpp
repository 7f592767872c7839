#include "logagent/http/client.hpp"
#include "support/test.hpp"

using logagent::http::endpoint;
using logagent::http::parse_endpoint;

TEST_CASE("endpoints are read with and without scheme, port and brackets", "[http]") {
    CHECK(parse_endpoint("10.0.0.5:2379", 1) == endpoint{"10.0.0.5", 2379, false});
    CHECK(parse_endpoint("etcd-1", 2379) == endpoint{"etcd-1", 2379, false});
    CHECK(parse_endpoint("http://etcd-1/", 2379) == endpoint{"etcd-1", 2379, false});
    CHECK(parse_endpoint("https://etcd-1:443", 2379) == endpoint{"etcd-1", 443, true});
    CHECK(parse_endpoint("[::1]:9470", 1) == endpoint{"::1", 9470, false});
    CHECK(parse_endpoint("https://[2001:db8::5]", 2379) == endpoint{"2001:db8::5", 2379, true});
}

TEST_CASE("what is no endpoint is refused", "[http]") {
    for (const char* text :
         {"", "http://", ":2379", "a:", "a:0", "a:65536", "a:12x", "a:-1", "::1:80", "[::1",
          "[x]:1", "[::1]1", "a b", "a/b", "user@host", "ftp://a"}) {
        INFO(text);
        CHECK_FALSE(parse_endpoint(text, 1));
    }
}

TEST_CASE("an authority has brackets around v6 addresses", "[http]") {
    CHECK(endpoint{"::1", 80, false}.authority() == "[::1]:80");
    CHECK(endpoint{"a", 80, false}.authority() == "a:80");
}

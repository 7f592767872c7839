#include "logagent/http/message.hpp"

#include "support/test.hpp"

namespace http = logagent::http;

TEST_CASE("fields are found without regard to case", "[http]") {
    const std::vector<http::field> fields{{"Content-Type", "a"}, {"content-type", "b"}};
    CHECK(http::find(fields, "CONTENT-TYPE") == "a");
    CHECK(http::find(fields, "Content").empty());
}

TEST_CASE("a target is taken apart into path and decoded query", "[http]") {
    http::request request;
    request.target = "/status?file=%2Fvar%2Flog+x&limit=&flag&bad=%zz&flag=2";
    CHECK(request.path() == "/status");
    CHECK(request.query("file") == "/var/log x");
    CHECK(request.query("limit") == "");
    CHECK(request.query("flag") == "");
    CHECK(request.query("bad") == "%zz");
    CHECK_FALSE(request.query("missing"));
    request.target = "/plain";
    CHECK_FALSE(request.query("file"));
}

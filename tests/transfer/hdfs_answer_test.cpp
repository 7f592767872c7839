#include "transfer/hdfs_answer.hpp"

#include "support/test.hpp"
#include "transfer/hdfs_address.hpp"

namespace logagent::transfer {
namespace {

hdfs_answer said(unsigned status, std::string body) {
    http::response answer;
    answer.status = status;
    answer.body = std::move(body);
    return read_hdfs_answer(answer, "nn1:9870");
}

hdfs_answer thrown(unsigned status, const std::string& name, const std::string& message = "why") {
    return said(status, R"({"RemoteException":{"exception":")" + name + R"(","javaClassName":"x.)" +
                            name + R"(","message":")" + message + R"("}})");
}

TEST_CASE("the name of the exception decides, not the status", "[transfer][hdfs]") {
    const auto check = [](const char* name, hdfs_verdict verdict, const char* code) {
        INFO(name);
        const auto read = thrown(403, name);
        CHECK(read.verdict == verdict);
        CHECK(read.code == code);
        CHECK(read.text == std::string{"nn1:9870: "} + name + ": why");
    };
    check("StandbyException", hdfs_verdict::standby, "standby");
    check("SafeModeException", hdfs_verdict::passing, "safe_mode");
    check("RetriableException", hdfs_verdict::passing, "starting");
    check("AlreadyBeingCreatedException", hdfs_verdict::passing, "lease");
    check("LeaseExpiredException", hdfs_verdict::passing, "lease");
    check("IOException", hdfs_verdict::passing, "io");
    check("SomethingNewException", hdfs_verdict::passing, "io");
    check("AccessControlException", hdfs_verdict::refused, "permission");
    check("DSQuotaExceededException", hdfs_verdict::refused, "quota");
    check("ParentNotDirectoryException", hdfs_verdict::refused, "path");
    check("FileAlreadyExistsException", hdfs_verdict::exists, "exists");
    CHECK(thrown(404, "FileNotFoundException").verdict == hdfs_verdict::missing);
    CHECK(thrown(401, "SecurityException").code == "permission");
}

TEST_CASE("a cluster without a DataNode says so in a plain IOException", "[transfer][hdfs]") {
    const auto read = thrown(403, "IOException", "Failed to find datanode, suggest to check");
    CHECK(read.verdict == hdfs_verdict::passing);
    CHECK(read.code == "no_datanode");
}

TEST_CASE("the stack of a Java exception is left out", "[transfer][hdfs]") {
    CHECK(thrown(403, "IOException", "one\\n\\tat two").text == "nn1:9870: IOException: one");
}

TEST_CASE("an answer without an exception is judged by its status", "[transfer][hdfs]") {
    CHECK(said(502, "<html>").verdict == hdfs_verdict::passing);
    CHECK(said(500, "{}").verdict == hdfs_verdict::passing);
    CHECK(said(429, "").verdict == hdfs_verdict::passing);
    CHECK(said(401, "<html>").verdict == hdfs_verdict::refused);
    CHECK(said(403, "{\"RemoteException\":1}").verdict == hdfs_verdict::refused);
    const auto other = said(404, "<html>Not Found</html>");
    CHECK(other.verdict == hdfs_verdict::refused);
    CHECK(other.text == "nn1:9870: HTTP 404 without a RemoteException: is this WebHDFS?");
}

TEST_CASE("a boolean answer is yes only when it says true", "[transfer][hdfs]") {
    CHECK(says_yes(said(200, R"({"boolean":true})")));
    for (const auto* body : {R"({"boolean":false})", "", "true", R"({"boolean":"true"})"})
        CHECK_FALSE(says_yes(said(200, body)));
}

TEST_CASE("length and kind of a file are read, and nothing else is taken for it",
          "[transfer][hdfs]") {
    const auto file = said(200, R"({"FileStatus":{"length":3000000,"type":"FILE","owner":"me"}})");
    CHECK(read_file_status(file) == hdfs_file_status{false, 3'000'000});
    const auto directory = said(200, R"({"FileStatus":{"length":0,"type":"DIRECTORY"}})");
    CHECK(read_file_status(directory) == hdfs_file_status{true, 0});
    for (const auto* body : {"", "{}", "[]", R"({"FileStatus":{"type":"FILE"}})",
                             R"({"FileStatus":{"length":-1,"type":"FILE"}})"})
        CHECK_THROWS(read_file_status(said(200, body)));
}

TEST_CASE("names of a directory are read", "[transfer][hdfs]") {
    const auto two =
        said(200, R"({"FileStatuses":{"FileStatus":[{"pathSuffix":"a"},{"pathSuffix":"b+1"}]}})");
    CHECK(read_names(two) == std::vector<std::string>{"a", "b+1"});
    CHECK_THROWS(read_names(said(200, "{}")));
}

TEST_CASE("a place to write to is dialled as it says, or as the rewrite map says",
          "[transfer][hdfs]") {
    const std::string place = "http://dn7.internal:9864/webhdfs/v1/a+b?op=CREATE&x=1";
    const auto plain = read_hdfs_address(place, {});
    REQUIRE(plain.has_value());
    CHECK(plain->to == http::endpoint{"dn7.internal", 9864, false});
    CHECK(plain->target == "/webhdfs/v1/a+b?op=CREATE&x=1");
    CHECK(read_hdfs_address(place, {{"dn7.internal", "10.0.0.7"}})->to ==
          http::endpoint{"10.0.0.7", 9864, false});
    CHECK(read_hdfs_address(place, {{"dn7.internal", "gate:80"}})->to ==
          http::endpoint{"gate", 80, false});
    CHECK(read_hdfs_address("https://dn7/x", {})->to == http::endpoint{"dn7", 443, true});
    CHECK(read_hdfs_address("http://[::1]:5/x", {})->to == http::endpoint{"::1", 5, false});
    for (const auto* text : {"", "dn7:9864/x", "http://dn7:9864", "http:///x", "/webhdfs"})
        CHECK_FALSE(read_hdfs_address(text, {}).has_value());
}

}  // namespace
}  // namespace logagent::transfer

#include "demo/observed.hpp"

#include "support/test.hpp"

using namespace logagent;

TEST_CASE("an agent's status is read, and paths are shown below the directory", "[demo]") {
    demo::host_row row;
    REQUIRE(demo::read_status(
        R"({"ledger":{"acked":10,"unread":7,"truncated_away":1,"abandoned":2,"vanished":3,)"
        R"("lines":{"read":5,"acked":4}},"files":[{"path":"/d/web-1/a.log","service":"shop",)"
        R"("state":"throttled","lines_per_s":24.6,"send_rate":25,"lag_bytes":9,)"
        R"("acked_offset":100}]})",
        "/d", row));
    REQUIRE(row.files.size() == 1);
    CHECK(row.files[0].path == "web-1/a.log");
    CHECK(row.files[0].state == "throttled");
    CHECK(row.files[0].send_rate == 25);
    CHECK(row.lines_acked == 4);
    CHECK(row.unread_bytes == 7);
    CHECK(row.lost_bytes == 6);
}

TEST_CASE("what is no status is refused", "[demo]") {
    demo::host_row row;
    CHECK_FALSE(demo::read_status("not found\n", "/d", row));
    CHECK_FALSE(demo::read_status("{}", "/d", row));
    CHECK_FALSE(demo::read_status("[]", "/d", row));
}

TEST_CASE("the token is found once its line is whole", "[demo]") {
    const std::string line = "logagent web: first start: the admin token is lgw_abc";
    CHECK(demo::find_token("something\n" + line).empty());
    CHECK(demo::find_token("something\n" + line + "\nmore\n") == "lgw_abc");
    CHECK(demo::find_token("").empty());
}

TEST_CASE("the last line with something in it says why a program ended", "[demo]") {
    CHECK(demo::last_line("one\ntwo\n\n") == "two");
    CHECK(demo::last_line("\x1b[31mred\n").find('\x1b') == std::string::npos);
    CHECK(demo::last_line("").empty());
}

#include "cli/demo_text.hpp"

#include "cli/text_table.hpp"
#include "support/test.hpp"

using namespace logagent;

namespace {

demo::progress some_progress() {
    demo::progress out;
    out.at = std::chrono::seconds{12};
    out.written = 1234;
    demo::host_row web;
    web.name = "web-1";
    web.up = true;
    web.lines_acked = 1100;
    web.unread_bytes = 2048;
    demo::file_row file;
    file.path = "web-1/a/rather/long/way/down/to/nginx/access.log";
    file.service = "shop-access";
    file.state = "throttled";
    file.lines_per_s = 39.6;
    file.send_rate = 25;
    web.files.push_back(file);
    out.hosts.push_back(web);
    demo::host_row later;
    later.name = "app-1";
    out.hosts.push_back(later);
    return out;
}

}  // namespace

TEST_CASE("the demo's heading begins with a link that signs in", "[demo_text]") {
    const demo::place where{"/tmp/d", "http://127.0.0.1:9480", "lgw_x", "127.0.0.1:1",
                            "127.0.0.1:2"};
    demo::options chosen;
    const auto text = cli::demo_heading(where, chosen);
    CHECK(text.find("http://127.0.0.1:9480/#token=lgw_x") < text.find("/tmp/d"));
    CHECK(text.find("Ctrl-C") != text.npos);
    chosen.length = std::chrono::seconds{30};
    CHECK(cli::demo_heading(where, chosen).find("after 30 s") != text.npos);
}

TEST_CASE("the demo's table fits the terminal and says what is throttled", "[demo_text]") {
    const auto text = cli::demo_table(some_progress(), 80);
    CHECK(text.find("throttled") != text.npos);
    CHECK(text.find("starting") != text.npos);
    CHECK(text.find("1234 lines written, 1100 records acknowledged") != text.npos);
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
        CHECK(cli::text_width(rest.substr(0, rest.find('\n'))) <= 80);
    CHECK(cli::demo_table(some_progress(), 0).find("/a/rather/long/way/") != text.npos);
}

TEST_CASE("the demo's verdict says what was lost, and why it failed", "[demo_text]") {
    demo::result done;
    done.last = some_progress();
    done.ready = true;
    auto text = cli::demo_verdict(done);
    CHECK(text.find("0 B lost") != text.npos);
    CHECK(text.find("waited in their files behind a limit") != text.npos);
    CHECK(text.find("failed") == text.npos);
    done.failure = "etcd ended with 1 by itself";
    text = cli::demo_verdict(done);
    CHECK(text.find("failed: etcd ended with 1 by itself\n") != text.npos);
}

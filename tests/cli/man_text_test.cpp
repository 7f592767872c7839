#include "cli/man_text.hpp"

#include <sstream>

#include "support/test.hpp"

namespace logagent::cli {

TEST_CASE("a manual page has every flag with dashes that can be copied", "[cli]") {
    const auto page = command_page(*find_command("agent"), "1.2.3");
    CHECK(page.starts_with(".TH LOGAGENT\\-AGENT 1 \"\" \"logagent 1.2.3\" \"logagent\"\n"));
    CHECK(page.find("\\fB\\-c\\fR, \\fB\\-\\-config\\fR \\fIFILE\\fR\n") != page.npos);
    for (const auto& flag : find_command("agent")->flags)
        CHECK(page.find("\\fB\\-\\-" + std::string{flag.name().substr(2)} + "\\fR") != page.npos);
}

TEST_CASE("no text of a manual page can begin a request of its own", "[cli]") {
    const flag tricky[] = {{.names = "--x", .help = ".so /etc/passwd"}};
    command one = *find_command("version");
    one.flags = tricky;
    one.about = "'br is no request, \\fB neither";
    const auto page = command_page(one, "1");
    CHECK(page.find("\n\\&.so /etc/passwd\n") != page.npos);
    CHECK(page.find("\n\\&'br is no request, \\efB neither\n") != page.npos);
}

TEST_CASE("the overview names the page of each command", "[cli]") {
    const auto page = overview_page(commands(), "1");
    CHECK(page.find("\\fBlogagent\\-selftest\\fR(1)") != page.npos);
    CHECK(page.find("completion") == page.npos);
}

}  // namespace logagent::cli

#include "logagent/web/settings.hpp"

#include <fstream>

#include "support/test.hpp"

namespace web = logagent::web;

namespace {

/// All complaints about a text, one a line.
std::string complaints(std::string_view text, std::vector<std::string> overrides = {}) {
    std::string out;
    for (const auto& problem : web::load_settings(text, "web.ini", overrides).problems)
        out += problem.line() + "\n";
    return out;
}

}  // namespace

TEST_CASE("web.ini is read with its defaults", "[web]") {
    const auto loaded =
        web::load_settings("etcd_addr = a:1, b:2  # two\nui_dir = /srv/ui\n", "web.ini");
    REQUIRE(loaded.problems.empty());
    const auto& got = loaded.settings;
    CHECK(got.listen.authority() == "127.0.0.1:9480");
    REQUIRE(got.etcd_addr.size() == 2);
    CHECK(got.etcd_addr[1].authority() == "b:2");
    CHECK(got.prefix == "/logagent/");
    CHECK(got.ui_dir == "/srv/ui");
    CHECK(got.has("ui_dir"));
    CHECK_FALSE(got.has("prefix"));
}

TEST_CASE("what stands on the command line wins over web.ini", "[web]") {
    const std::vector<std::string> overrides{"listen=[::1]:80", "etcd_addr=https://c:3"};
    const auto loaded =
        web::load_settings("etcd_addr = a:1\nlisten = 127.0.0.1:1\n", "web.ini", overrides);
    REQUIRE(loaded.problems.empty());
    CHECK(loaded.settings.listen.authority() == "[::1]:80");
    CHECK(loaded.settings.etcd_addr.at(0).tls);
}

TEST_CASE("an address that is not loopback needs TLS, and says so in one clear line", "[web]") {
    for (const std::string address :
         {"0.0.0.0:9480", "10.0.0.1:9480", "[::]:9480", "[fd00::1]:1"}) {
        const auto text = complaints("etcd_addr = a:1\n", {"listen=" + address});
        INFO(text);
        CHECK(text.starts_with("--set: listen: '" + address + "': not a loopback address"));
        CHECK(text.find("TLS") != text.npos);
        CHECK(std::count(text.begin(), text.end(), '\n') == 1);
        const std::string tls = "etcd_addr = a:1\ntls_cert = /c.pem\ntls_key = /k.pem\n";
        CHECK(complaints(tls, {"listen=" + address}).empty());
        CHECK(complaints(tls + "listen = " + address + "\n").empty());
    }
    CHECK(complaints("listen = 10.0.0.1:9480\netcd_addr = a:1\n", {"listen=10.0.0.2:1"})
              .starts_with("--set: listen: '10.0.0.2:1': not a loopback address"));
    CHECK(complaints("listen = 10.0.0.1:9480\netcd_addr = a:1\n", {"listen=127.0.0.1:1"}).empty());
    CHECK(complaints("etcd_addr = a:1\nlisten = web:80\n").find("loopback") == std::string::npos);
    CHECK(complaints("etcd_addr = a:1\nlisten = localhost:7\n").empty());
}

TEST_CASE("a bad key of web.ini is named with its line and what is allowed", "[web]") {
    CHECK(complaints("etcd_adr = a:1\n")
              .starts_with("web.ini:1: etcd_adr: there is no such key; did you mean etcd_addr?"));
    CHECK(complaints("etcd_addr = a\n") ==
          "web.ini:1: etcd_addr: 'a': 'a' is not host:port; allowed: host:port, 10.0.0.1:port or "
          "[fd00::1]:port\n");
    CHECK(complaints("") ==
          "web.ini: etcd_addr: is missing; allowed: host:port, several with commas\n");
    CHECK(complaints("etcd_addr = a:1\nprefix = logagent\n")
              .starts_with("web.ini:2: prefix: 'logagent': allowed:"));
    CHECK(complaints("etcd_addr = a:1\ntls_cert = /x.pem\n") == "tls_cert: needs tls_key too\n");
    CHECK(complaints("etcd_addr = a:1\ntls_key = x.pem\n")
              .starts_with("web.ini:2: tls_key: 'x.pem': not an absolute path"));
    CHECK(complaints("etcd_addr = a:1\ntls_client_ca = /x.pem\n") ==
          "tls_client_ca: needs tls_cert too\n");
    CHECK(complaints("etcd_addr = a:1\netcd_user = u\n") ==
          "etcd_user: needs etcd_password_file too\n");
    CHECK(complaints("[web]\netcd_addr = a:1\n")
              .starts_with("web.ini:1: web.ini has no sections, but [web]"));
}

TEST_CASE("the example names every key with its default, and is accepted", "[web]") {
    std::ifstream file{std::string{LOGAGENT_SOURCE_DIR} + "/examples/web.ini"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    CHECK(complaints(text).empty());
    for (const auto& row : web::setting_rows()) {
        if (row.name == "kafka.<property>") continue;
        INFO(row.name);
        const auto key = std::string{row.name} + " =";
        const auto at = text.find(key);
        REQUIRE(at != text.npos);
        CHECK(text.substr(at + key.size())
                  .starts_with(row.name == "etcd_addr" || row.default_text.empty()
                                   ? std::string{}
                                   : " " + std::string{row.default_text}));
    }
}

#include "logagent/fleet/service.hpp"

#include <boost/json/serialize.hpp>

#include "support/test.hpp"

using namespace logagent::fleet;
using namespace std::string_literals;

namespace {

std::string verdict(std::string_view json, const service* stored = nullptr) {
    const auto out = parse_service(json, stored);
    if (out.errors.empty()) return "accepted";
    return out.errors[0].code + " " + out.errors[0].pointer;
}

std::string with(std::string_view members) {
    return R"({"name":"web",)"s + std::string{members} + "}";
}

const auto whole = R"({"name":"web","description":"front\nend","owner":"ops","enabled":true,)"
                   R"("hosts":{"list":["a"],"cidr":["10.0.0.0/8"],"selector":"env=prod"},)"
                   R"("files":[{"log_path":"/v/a.log","topic":"t","send_rate":5,"keep":["x"]}],)"
                   R"("labels":{"team":"x"},"source":"ui"})"s;

}  // namespace

TEST_CASE("a service is written as it was read", "[service]") {
    const auto out = parse_service(whole);
    REQUIRE(out.errors.empty());
    CHECK(out.value.files[0].target.service == "web");
    CHECK(out.value.files[0].target.send_rate == 5);
    CHECK(boost::json::serialize(to_json(out.value)) == whole);
    CHECK(parse_stored_service(whole).value == out.value);
}

TEST_CASE("a service that was written into a value is read from it", "[service]") {
    const auto out = parse_service(whole);
    CHECK(read_service(to_json(out.value)).value == out.value);
    CHECK(read_service(to_json(out.value)).errors.empty());
}

TEST_CASE("a service needs nothing but its name", "[service]") {
    const auto out = parse_service(R"({"name":"a"})");
    CHECK(out.errors.empty());
    CHECK(out.value.enabled);
    CHECK(out.value.hosts.empty());
}

TEST_CASE("what is wrong with a service is named with its place", "[service]") {
    CHECK(verdict("[]") == "type ");
    CHECK(verdict("{") == "incomplete ");
    CHECK(verdict("{}") == "missing /name");
    CHECK(verdict(R"({"name":"a/b"})") == "name /name");
    CHECK(verdict(R"({"name":"-a"})") == "name /name");
    CHECK(verdict(R"({"name":")" + std::string(65, 'a') + "\"}") == "name /name");
    CHECK(verdict(R"({"name":7})") == "type /name");
    CHECK(verdict(R"({"name":"a","name":"b"})") == "duplicate_key /name");
    CHECK(verdict(with(R"("owner":"a\u0007")")) == "range /owner");
    CHECK(verdict(with(R"("enabled":"yes")")) == "type /enabled");
    CHECK(verdict(with(R"("hosts":[])")) == "type /hosts");
    CHECK(verdict(with(R"("hosts":{"list":["a",""]})")) == "range /hosts/list/1");
    CHECK(verdict(with(R"("hosts":{"cidr":["10.0.0.1/8"]})")) == "cidr /hosts/cidr/0");
    CHECK(verdict(with(R"("hosts":{"selector":"env"})")) == "selector /hosts/selector");
    CHECK(verdict(with(R"("hosts":{"regex":"x"})")) == "unknown_field /hosts/regex");
    CHECK(verdict(with(R"("files":{})")) == "type /files");
    CHECK(verdict(with(R"("files":[7])")) == "type /files/0");
    CHECK(verdict(with(R"("files":[{"log_path":"v","topic":"t"}])")) == "path /files/0/log_path");
    CHECK(verdict(with(R"("files":[{"log_path":"/v","topic":"t","keep":["("]}])")) ==
          "pattern /files/0/keep/0");
    CHECK(verdict(
              with(R"("files":[{"log_path":"/v","topic":"t"},{"log_path":"//v","topic":"t"}])")) ==
          "duplicate /files/1");
    CHECK(verdict(with(R"("labels":{"":"x"})")) == "label /labels/");
    CHECK(verdict(with(R"("source":"a b")")) == "name /source");
    CHECK(verdict(with(R"("nmae":1)")) == "unknown_field /nmae");
}

TEST_CASE("everything that is wrong is told at once", "[service]") {
    const auto out = parse_service(
        R"({"name":"a b","enabled":1,"files":[{"log_path":"x","topic":"?"}],"more":1})");
    CHECK(out.errors.size() == 5);
}

TEST_CASE("a mistyped field of an entry is refused with the name that was meant", "[service]") {
    const auto out = parse_service(with(R"("files":[{"log_path":"/v","topic":"t","send_rat":5}])"));
    REQUIRE(out.errors.size() == 1);
    CHECK(out.errors[0].pointer == "/files/0/send_rat");
    CHECK(out.errors[0].text.find("'send_rate'") != std::string::npos);
}

TEST_CASE("a service has at most 200 files and 512 KiB", "[service]") {
    const auto files = [](int count, const std::string& more) {
        std::string out;
        for (int i = 0; i < count; ++i)
            out += (i ? "," : "") + R"({"log_path":"/v/)"s + std::to_string(i) +
                   R"(","topic":"t")" + more + "}";
        return with("\"files\":[" + out + "]");
    };
    CHECK(verdict(files(200, "")) == "accepted");
    CHECK(verdict(files(201, "")) == "limit /files");
    CHECK(verdict(files(200, R"(,"keep":[")" + std::string(4000, 'a') + "\"]")) == "size ");
}

TEST_CASE("fields of another version survive a write", "[service]") {
    const auto stored = parse_stored_service(
        R"({"name":"web","z":1,"a":[2],"files":[{"log_path":"/v","topic":"t","new":true}]})");
    REQUIRE(stored.errors.empty());

    SECTION("where the request does not know them") {
        const auto out = parse_service(
            R"({"name":"web","files":[{"log_path":"/w","topic":"t"},{"log_path":"/v","topic":"t"}]})",
            &stored.value);
        REQUIRE(out.errors.empty());
        CHECK(boost::json::serialize(to_json(out.value)).ends_with(R"("a":[2],"z":1})"));
        CHECK(out.value.files[0].extra.empty());
        CHECK(out.value.files[1].extra.at("new") == true);
    }
    SECTION("where the request gives them back") {
        CHECK(parse_service(boost::json::serialize(to_json(stored.value)), &stored.value).value ==
              stored.value);
    }
    SECTION("but a request cannot make or change them") {
        CHECK(verdict(R"({"name":"web","z":2})", &stored.value) == "unknown_field /z");
        CHECK(verdict(R"({"name":"web","y":2})", &stored.value) == "unknown_field /y");
        CHECK(verdict(R"({"name":"web","files":[{"log_path":"/v","topic":"t","new":false}]})",
                      &stored.value) == "unknown_field /files/0/new");
    }
}

TEST_CASE("an entry may say another service than its document", "[service]") {
    const auto text = with(R"("files":[{"service":"","log_path":"/a","topic":"t"},
                                       {"service":"web","log_path":"/b","topic":"t"},
                                       {"service":"old web","log_path":"/c","topic":"t"}])");
    const auto out = parse_service(text);
    REQUIRE(out.errors.empty());
    CHECK(out.value.files[0].target.service.empty());
    CHECK(out.value.files[2].target.service == "old web");
    const auto written = boost::json::serialize(to_json(out.value));
    CHECK(written.find(R"({"log_path":"/b")") != std::string::npos);
    CHECK(parse_service(written).value == out.value);
}

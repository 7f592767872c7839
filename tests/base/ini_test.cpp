#include "logagent/base/ini.hpp"

#include "support/test.hpp"

using namespace logagent::base;
using namespace std::string_literals;

namespace {

std::string value_of(const ini_document& file, std::string_view key,
                     std::string_view section = "") {
    const auto* entry = file.find(section, key);
    return entry ? entry->value : "(absent)";
}

}  // namespace

TEST_CASE("a value ends at a comment that a blank stands before", "[ini]") {
    const auto file = parse_ini(
        "a = 10.0.0.1:2379   # where etcd is\n"
        "b = x#y;z\t; tab before\n"
        "c = # nothing but a comment\n"
        "d =#not a comment\n"
        "  # a comment\n"
        "; another\n"
        "e=plain");
    CHECK(file.errors.empty());
    CHECK(value_of(file, "a") == "10.0.0.1:2379");
    CHECK(value_of(file, "b") == "x#y;z");
    CHECK(value_of(file, "c").empty());
    CHECK(value_of(file, "d") == "#not a comment");
    CHECK(value_of(file, "e") == "plain");
    CHECK(file.entries.size() == 5);
}

TEST_CASE("quotes keep comment signs and blanks", "[ini]") {
    const auto file = parse_ini("a = \" x # y \" # comment\nb = say \"hi\"\n");
    CHECK(file.errors.empty());
    CHECK(value_of(file, "a") == " x # y ");
    CHECK(value_of(file, "b") == "say \"hi\"");
}

TEST_CASE("keys are lower-cased, values are not", "[ini]") {
    const auto file = parse_ini("ETCD_Addr = Host\n[Sink]\nURL = http://X\n");
    CHECK(value_of(file, "etcd_addr") == "Host");
    CHECK(value_of(file, "url", "sink") == "http://X");
    REQUIRE(file.sections.size() == 1);
    CHECK(file.sections[0].name == "sink");
    CHECK(file.sections[0].line == 2);
}

TEST_CASE("a byte order mark and CRLF are as good as none", "[ini]") {
    const auto file = parse_ini(
        "\xEF\xBB\xBF"
        "a = 1\r\n\r\n# c\r\nb = 2\r\n");
    CHECK(file.errors.empty());
    CHECK(value_of(file, "a") == "1");
    CHECK(value_of(file, "b") == "2");
    CHECK(file.find("", "b")->line == 4);
}

TEST_CASE("the same key twice names both lines and keeps the first", "[ini]") {
    const auto file = parse_ini("a = 1\nb = 2\nA = 3\n[s]\na = 4\n");
    REQUIRE(file.errors.size() == 1);
    CHECK(file.errors[0].line == 3);
    CHECK(file.errors[0].text == "'a' is already set in line 1");
    CHECK(value_of(file, "a") == "1");
    CHECK(value_of(file, "a", "s") == "4");
}

TEST_CASE("every line that cannot be read is told with its number, the others count", "[ini]") {
    const auto file = parse_ini(
        "no equals sign\n= no key\na = \"open\nb = \"x\" y\n[broken\n[]\nc = 1\nd = \xFF\ne = a\0b\n"s);
    REQUIRE(file.errors.size() == 8);
    const std::size_t lines[] = {1, 2, 3, 4, 5, 6, 8, 9};
    for (std::size_t i = 0; i < std::size(lines); ++i)
        CHECK(file.errors[i].line == lines[i]);
    REQUIRE(file.entries.size() == 1);
    CHECK(value_of(file, "c") == "1");
}

TEST_CASE("includes and environment variables are plain text", "[ini]") {
    const auto file = parse_ini("include other.ini\na = ${HOME||x}\n");
    CHECK(file.errors.size() == 1);
    CHECK(value_of(file, "a") == "${HOME||x}");
}

TEST_CASE("a message about a line shows its first word only", "[ini]") {
    const auto file = parse_ini("kafka.sasl.password hunter2\n");
    REQUIRE(file.errors.size() == 1);
    CHECK(file.errors[0].text == "expected key = value, not 'kafka.sasl.password ...'");
}

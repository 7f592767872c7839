#include "cli/flags.hpp"

#include "support/test.hpp"

namespace logagent::cli {

namespace {

constexpr flag known[] = {
    {.names = "-c,--config", .value = "FILE"},
    {.names = "--file", .value = "PATH"},
    {.names = "--rate", .value = "N", .allowed = "a whole number"},
    {.names = "--once"},
};

std::vector<std::string> shown(std::vector<std::string> words) {
    std::vector<std::string> out;
    for (const auto& one : parse_flags(known, words).arguments)
        out.push_back(one.name + "=" + one.value);
    return out;
}

std::string complaint(std::vector<std::string> words) {
    try {
        parse_flags(known, words);
    } catch (const usage_error& error) {
        return error.lines().at(0);
    }
    return "none";
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("flags keep the order of the command line, under their long names", "[cli]") {
    CHECK(shown({"--file", "a", "--rate", "5", "--once", "--file=b", "-c", "x", "--rate=7"}) ==
          texts{"--file=a", "--rate=5", "--once=", "--file=b", "--config=x", "--rate=7"});
    CHECK(shown({"-cx.ini"}) == texts{"--config=x.ini"});
    CHECK(shown({}).empty());
}

TEST_CASE("a value may be empty, a dash, in brackets, or begin with a dash", "[cli]") {
    CHECK(shown({"--file=", "--once"}) == texts{"--file=", "--once="});
    CHECK(shown({"--file", ""}) == texts{"--file="});
    CHECK(shown({"--file", "-"}) == texts{"--file=-"});
    CHECK(shown({"--rate", "-5"}) == texts{"--rate=-5"});
    CHECK(shown({"--file", "[a,b]"}) == texts{"--file=[a,b]"});
    CHECK(shown({"--file=a=b"}) == texts{"--file=a=b"});
}

TEST_CASE("a flag without its value says what is allowed", "[cli]") {
    CHECK(complaint({"--rate"}) == "--rate: needs a value, N; allowed: a whole number");
    CHECK(complaint({"-c"}) == "--config: needs a value, FILE");
    CHECK(complaint({"--file", "--once"}) == "--file: needs a value, PATH");
    CHECK(complaint({"--once=5"}) == "--once: takes no value");
}

TEST_CASE("an unknown flag is named, with the one that was meant", "[cli]") {
    CHECK(complaint({"--flie", "x"}) == "--flie: there is no such flag; did you mean --file?");
    CHECK(complaint({"--rat=5"}) == "--rat: there is no such flag; did you mean --rate?");
    CHECK(complaint({"--elsewhere"}) == "--elsewhere: there is no such flag");
    CHECK(complaint({"-x"}) == "-x: there is no such flag");
    CHECK(complaint({"word"}) == "'word': unexpected argument");
    CHECK(complaint({"--file", "a", "b"}) == "'b': unexpected argument");
    CHECK(complaint({"\x1b[2J"}) == "'\\x1b[2J': unexpected argument");
}

TEST_CASE("help wins over everything else on the line", "[cli]") {
    CHECK(parse_flags(known, texts{"--once", "-h"}).help);
    CHECK(parse_flags(known, texts{"--flie", "--help"}).help);
    CHECK_FALSE(parse_flags(known, texts{"--once"}).help);
}

TEST_CASE("numbers outside their range are refused with what is allowed", "[cli]") {
    CHECK(read_number(known[2], "12", 1, 100) == 12);
    CHECK_THROWS_WITH(read_number(known[2], "x", 1, 100),
                      "--rate: 'x' is not a whole number; allowed: a whole number");
    CHECK_THROWS_WITH(read_number(known[2], "0", 1, 100),
                      "--rate: '0' is out of range; allowed: a whole number");
}

}  // namespace logagent::cli

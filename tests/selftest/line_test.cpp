#include "selftest/line.hpp"

#include <set>

#include "support/test.hpp"

namespace logagent::selftest {

TEST_CASE("a line tells which one it is", "[selftest]") {
    std::set<std::string> texts;
    for (std::uint64_t number = 0; number < 3000; ++number) {
        const line_id id{2, 5, number, number * 100};
        const auto text = make_line("ab12", id);
        CHECK(texts.insert(text).second);
        REQUIRE(read_line("ab12", text) == id);
        REQUIRE(text.find('\n') == text.npos);
    }
}

TEST_CASE("no byte of a line can change, go or be added without a sign", "[selftest]") {
    const auto text = make_line("ab12", {1, 3, 77, 4567});
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto changed = text;
        changed[at] = changed[at] == '7' ? '8' : '7';
        CHECK_FALSE(read_line("ab12", changed));
        CHECK_FALSE(read_line("ab12", text.substr(0, at)));
    }
    CHECK_FALSE(read_line("ab12", text + "x"));
    CHECK_FALSE(read_line("ab12", text + text));
    CHECK_FALSE(read_line("other", text));
    CHECK_FALSE(read_line("ab12", ""));
}

TEST_CASE("the key of a record names generation and range", "[selftest]") {
    const auto key = read_key(R"(["h","s","/p","abc",100,250])");
    REQUIRE(key);
    CHECK(key->generation == "abc");
    CHECK(key->start == 100);
    CHECK(key->end == 250);
    for (const char* wrong :
         {"", "{}", "[]", R"(["h","s","/p","abc",100])", R"(["h","s","/p",7,100,250])",
          R"(["h","s","/p","abc",-1,250])", R"(["h","s","/p","abc","100",250])",
          R"(["h","s","/p","abc",100,250,1])"})
        CHECK_FALSE(read_key(wrong));
}

}  // namespace logagent::selftest

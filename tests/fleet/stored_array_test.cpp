#include "fleet/stored_array.hpp"

#include <random>

#include "support/test.hpp"

using namespace logagent::fleet;

namespace {

/// Both readers of one array agree on what is collected.
void check_same(stored_arrays& arrays, const std::string& text) {
    const auto expected = parse_logconfig(text);
    const auto found = arrays.read(text);
    INFO(text);
    REQUIRE(found.broken == expected.broken);
    std::vector<log_target> targets;
    for (const auto index : found.entries)
        targets.push_back(arrays.at(index).file.target);
    REQUIRE(targets == expected.targets);
    const bool refused = std::any_of(expected.errors.begin(), expected.errors.end(),
                                     [](const auto& error) { return error.refused; });
    REQUIRE(found.refused.empty() == !refused);
}

const char* const elements[] = {R"({"log_path":"/a","topic":"t"})",
                                R"({"log_path":"/a","topic":"t","send_rate":5})",
                                R"({"log_path":"/b","topic":"t","new":[1,{"x":"]},["}]})",
                                R"({ "log_path" : "/\"\\c" , "topic" : "t" })",
                                R"({"log_path":"/d","topic":"t","topic":"u"})",
                                R"({"log_path":"/e","topic":"t","send_rate":1e999})",
                                R"({"log_path":"/f","topic":"?"})",
                                R"({"log_path":"/g\u0000","topic":"t"})",
                                "7",
                                "null",
                                "[]",
                                R"("text")"};

}  // namespace

TEST_CASE("an array is judged as agents judge it", "[stored_array]") {
    stored_arrays arrays;
    for (const auto* const text :
         {"",         " ",     "[]",           " [ ] ",          "[",     "]",
          "[]x",      "[] []", "[,]",          "[{}]",           "[{},]", "[{} {}]",
          "[{}",      "{}",    "null",         "[[}]]",          "[{]}",  "[\"]",
          "[\"\\\"]", "[1 2]", "[\"a\"\"b\"]", "\xEF\xBB\xBF[]", "[\xFF]"})
        check_same(arrays, text);
    for (const int depth : {29, 30, 31, 32})
        check_same(arrays, R"([{"log_path":"/a","topic":"t","new":)" + std::string(depth, '[') +
                               std::string(depth, ']') + "}]");
}

TEST_CASE("random arrays, some of them damaged, are judged as agents judge them",
          "[stored_array]") {
    std::mt19937 random{7};
    stored_arrays arrays;
    std::size_t whole = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string text = "[";
        for (auto left = random() % 6; left > 0; --left) {
            if (text.size() > 1) text += random() % 4 ? "," : " , ";
            text += elements[random() % std::size(elements)];
        }
        text += "]";
        for (auto left = random() % 3; left > 0; --left) {
            const auto at = random() % text.size();
            if (random() % 2)
                text.erase(at, 1);
            else
                text[at] = "[]{},:\" \\1a"[random() % 11];
            if (text.empty()) text = "[";
        }
        check_same(arrays, text);
        whole += !arrays.read(text).broken;
    }
    CHECK(whole > 1000);
}

TEST_CASE("entries after the 200th are refused", "[stored_array]") {
    std::string text;
    for (int i = 0; i < 201; ++i)
        text += (i ? "," : "[") + (R"({"log_path":"/)" + std::to_string(i)) + R"(","topic":"t"})";
    stored_arrays arrays;
    check_same(arrays, text + "]");
    CHECK(arrays.read(text + "]").entries.size() == 200);
}

TEST_CASE("an entry that many keys hold is kept once", "[stored_array]") {
    stored_arrays arrays;
    const auto first = arrays.read(R"([{"log_path":"/a","topic":"t"}])");
    const auto second =
        arrays.read(R"([ {"log_path":"/b","topic":"t"}, {"log_path":"/a","topic":"t"} ])");
    CHECK(second.entries[1] == first.entries[0]);
    CHECK(arrays.size() == 2);
}

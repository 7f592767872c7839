#include "logagent/base/shared_text.hpp"

#include <map>
#include <set>
#include <vector>

#include "support/test.hpp"

using logagent::base::shared_text;

TEST_CASE("equal texts are one in memory and go with their last holder", "[shared_text]") {
    const auto before = shared_text::living();
    const std::string long_one(100, 'x');
    {
        const shared_text first{long_one};
        const shared_text second{std::string_view{long_one}};
        CHECK(first.view().data() == second.view().data());
        CHECK(shared_text::living() == before + 1);

        shared_text copy = first;
        CHECK(copy == first);
        const shared_text moved = std::move(copy);
        CHECK(copy.empty());
        CHECK(moved == long_one);
        copy = "another";
        CHECK(shared_text::living() == before + 2);
        copy = moved;
        CHECK(shared_text::living() == before + 1);
        copy = *&copy;
        CHECK(copy == first);
    }
    CHECK(shared_text::living() == before);
    // What was given back is made anew.
    CHECK(shared_text{long_one} == long_one);
}

TEST_CASE("an empty text owns nothing and is the first of all", "[shared_text]") {
    const auto before = shared_text::living();
    const shared_text empty;
    CHECK(empty.empty());
    CHECK(empty == "");
    CHECK(empty == shared_text{""});
    CHECK(empty < shared_text{std::string_view{"\0", 1}});
    CHECK(shared_text::living() == before);
}

TEST_CASE("texts are in the order of their bytes", "[shared_text]") {
    const std::vector<std::string> words{"b", "", "a", "ab", "\xff", "a", "B"};
    std::multiset<shared_text> shared{words.begin(), words.end()};
    const std::multiset<std::string> plain{words.begin(), words.end()};
    CHECK(std::equal(shared.begin(), shared.end(), plain.begin(), plain.end()));

    std::map<shared_text, int> numbers;
    for (const auto& word : words)
        ++numbers[word];
    CHECK(numbers.at("a") == 2);
    CHECK(numbers.lower_bound("aa")->first == "ab");
}

TEST_CASE("a text may hold any bytes, in any number of holders", "[shared_text]") {
    const std::string_view bytes{"\0\xff\n\0", 4};
    std::vector<shared_text> holders(1000, shared_text{bytes});
    CHECK(holders.back().view() == bytes);
    CHECK(holders.back().str() == bytes);
    CHECK(holders.back().size() == 4);
    const auto before = shared_text::living();
    holders.resize(1);
    CHECK(shared_text::living() == before);
    CHECK(holders.front() == bytes);
}

#include "transfer/identity.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

const std::string life = "AAAAAAAAAAAAAAAAAAAA_-";

TEST_CASE("the identity is at the end of an agent's key, whatever its path holds", "[transfer]") {
    const auto full = R"(["h","s","/a,\",1]\"","b","x]",")" + life + R"(",7,19])";
    const auto id = identity_of(full);
    REQUIRE(id);
    CHECK(id->generation == life);
    CHECK(id->start == 7);
    CHECK(id->end == 19);
    const auto brief = "[\"" + life + "\",0,18446744073709551615]";
    REQUIRE(identity_of(brief));
    CHECK(identity_of(brief)->end == 18446744073709551615u);
}

TEST_CASE("other keys have no identity", "[transfer]") {
    const auto keys = {
        std::string{},
        std::string{"user-17"},
        std::string{"[1,2,3]"},
        "[\"" + life + "\",3,2]",                     // ends before it begins
        "[\"" + life + "\",1,18446744073709551616]",  // no such number
        "[\"" + life + "\",-1,2]",
        "[\"" + life.substr(1) + "\",1,2]",
        "[\"" + life.substr(1) + "+\",1,2]",
        "[\"" + life + "\",1,2",
        "x\"" + life + "\",1,2]",
        "[\"a" + life + "\",1,2]",  // the end of a longer text
    };
    for (const auto& key : keys) {
        INFO(key);
        CHECK_FALSE(identity_of(key));
    }
}

}  // namespace
}  // namespace logagent::transfer

#include "etcd/message_reader.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "support/test.hpp"

namespace json = boost::json;
using logagent::etcd::message_reader;
using status = message_reader::status;

namespace {

/// All messages of `text` when it comes in pieces of `size` bytes.
std::vector<std::string> messages(const std::string& text, std::size_t size) {
    message_reader reader{1000};
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size(); at += size) {
        std::string_view piece = std::string_view{text}.substr(at, size);
        while (reader.feed(piece) == status::complete)
            found.push_back(json::serialize(reader.take()));
    }
    return found;
}

}  // namespace

TEST_CASE("messages are the same in whatever pieces they come", "[etcd]") {
    const std::string text = "{\"a\":\"}{\\\"\"}\n{\"b\":{\"c\":[1,{}]}}\n\n{\"d\":1}";
    const std::vector<std::string> expected{R"({"a":"}{\""})", R"({"b":{"c":[1,{}]}})",
                                            R"({"d":1})"};
    for (std::size_t size = 1; size <= text.size(); ++size)
        CHECK(messages(text, size) == expected);
}

TEST_CASE("a message needs no line end to be complete", "[etcd]") {
    message_reader reader{1000};
    std::string_view piece = "{\"error\":{}}";
    CHECK(reader.feed(piece) == status::complete);
}

TEST_CASE("a message over the limit is refused while it comes", "[etcd]") {
    message_reader reader{100};
    const std::string text = "{\"a\":\"" + std::string(200, 'x');
    std::string_view first = std::string_view{text}.substr(0, 90);
    CHECK(reader.feed(first) == status::more);
    CHECK(reader.inside());
    std::string_view second = std::string_view{text}.substr(90);
    CHECK(reader.feed(second) == status::too_long);
    CHECK(reader.problem() == "a message is longer than 100 bytes");
}

TEST_CASE("the limit holds for each message, not for their sum", "[etcd]") {
    message_reader reader{20};
    for (int i = 0; i < 100; ++i) {
        std::string_view piece = "{\"a\":\"0123456789\"}\n";
        REQUIRE(reader.feed(piece) == status::complete);
        reader.take();
    }
}

TEST_CASE("what is no JSON object is refused", "[etcd]") {
    for (const char* text : {"Not Found", "[1]", "{\"a\":}", "{\"a\":\"\xff\"}", "{\"a\" 1}"}) {
        INFO(text);
        message_reader reader{1000};
        std::string_view piece = text;
        CHECK(reader.feed(piece) == status::broken);
        CHECK_FALSE(reader.problem().empty());
    }
}

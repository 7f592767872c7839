#include "logagent/kafka/error.hpp"

#include "support/test.hpp"

namespace logagent::kafka::test {

TEST_CASE("a Kafka error has the name and the sentence that people search for", "[kafka]") {
    CHECK(name(error::topic_authorization_failed) == "TOPIC_AUTHORIZATION_FAILED");
    CHECK(text(error::topic_authorization_failed) == "Broker: Topic authorization failed");
    CHECK(name(error::queue_full) == "_QUEUE_FULL");
    CHECK(name(static_cast<error>(4711)).find("4711") != std::string::npos);
}

}  // namespace logagent::kafka::test

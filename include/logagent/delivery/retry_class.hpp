#pragma once

#include <cstdint>

#include "logagent/kafka/error.hpp"

namespace logagent::delivery {

/// What to do about a record that Kafka's client gave up on. A failed report is never final for us:
/// the bytes are still in memory or in the file (R-K7).
enum class retry_class : std::uint8_t {
    rewind,   // send again from the first failed record, after a pause
    poison,   // one of the records is to blame: find it by sending them one by one
    park,     // the topic or partition takes nothing now: probe it, let the others flow
    rebuild,  // the client is dead: a new one, then as rewind
};

/// The class of an error code. Codes that are not in the table rewind: trying again with a pause
/// loses nothing and shows in the status.
retry_class classify(kafka::error code) noexcept;

}  // namespace logagent::delivery

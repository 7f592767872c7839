#include "fuzz/fuzz.hpp"
#include "selftest/line.hpp"

/// The key of a record, as anybody may put it into a topic.
void fuzz_one(std::string_view bytes) {
    if (const auto key = logagent::selftest::read_key(bytes))
        require(key->generation.size() <= bytes.size());
}

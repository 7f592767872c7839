#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// One program for each parser of bytes that others write. libFuzzer brings main() and new inputs;
/// a crash, a finding of the sanitizers or a broken promise ends it and leaves the input.
void fuzz_one(std::string_view bytes);

/// assert() that holds in every build.
inline void require(bool holds) {
    if (!holds) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

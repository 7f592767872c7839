#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    fuzz_one({reinterpret_cast<const char*>(bytes), size});
    return 0;
}

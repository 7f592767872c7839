#include "logagent/os/code_pages.hpp"

#include <fstream>
#include <sstream>

#include "support/test.hpp"

namespace {

long resident_file_kib() {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssFile:"))
            return std::stol(line.substr(line.find_first_of("0123456789")));
    return -1;
}

}  // namespace

TEST_CASE("code that is not used leaves the memory, and what is used goes on", "[code_pages]") {
    std::ostringstream before;
    before << 1.5 << " " << std::hex << 255;
    const auto resident = resident_file_kib();
    logagent::os::release_code_pages();
    const auto left = resident_file_kib();
    CHECK(left > 0);
    CHECK(left < resident);
    std::ostringstream after;
    after << 1.5 << " " << std::hex << 255;
    CHECK(after.str() == before.str());
}

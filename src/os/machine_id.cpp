#include "logagent/os/machine_id.hpp"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <fstream>

namespace logagent::os {

std::string machine_id(const std::string& path) {
    std::ifstream file{path};
    std::string id;
    std::getline(file, id);
    const bool hex = std::ranges::all_of(
        id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    return id.size() == 32 && hex ? id : std::string{};
}

std::string host_name() {
    char name[HOST_NAME_MAX + 1] = "";
    ::gethostname(name, HOST_NAME_MAX);
    return name[0] ? name : "localhost";
}

}  // namespace logagent::os

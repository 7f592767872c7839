#include "instance.hpp"

#include <fstream>

#include "logagent/base/bytes.hpp"
#include "logagent/checkpoint/state.hpp"
#include "logagent/os/durable_write.hpp"

namespace logagent::agent {

std::string random_instance_id() {
    const auto random = checkpoint::generation_id::random();
    return base::hex_encode(
        {reinterpret_cast<const char*>(random.bits.data()), random.bits.size()});
}

instance load_instance(const std::string& state_dir, const std::string& machine_id) {
    const std::string path = state_dir + "/instance";
    std::ifstream file{path};
    instance found;
    std::string machine;
    file >> found.id >> machine;
    const std::string none(1, '-');
    if (machine.empty()) machine = none;
    const std::string own = machine_id.empty() ? none : machine_id;
    const bool valid = found.id.size() == 32;
    found.cloned = valid && machine != own;
    if (valid && !found.cloned) return found;
    found.id = random_instance_id();
    os::durable_write(path, found.id + " " + own + "\n");
    return found;
}

}  // namespace logagent::agent

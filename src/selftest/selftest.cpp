#include "logagent/selftest/selftest.hpp"

#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include "logagent/base/bytes.hpp"
#include "logagent/base/error.hpp"
#include "logagent/os/posix_disk.hpp"
#include "logagent/os/scratch_directory.hpp"
#include "selftest/torture.hpp"

namespace logagent::selftest {

namespace asio = boost::asio;

namespace {

/// An agent refuses some places; better said before than found as a loss of everything.
void check_place(const os::scratch_directory& place, const options& chosen) {
    const auto probe = place.path() + "/logs/probe";
    if (!std::ofstream{probe}) throw unusable{chosen.directory + ": cannot make a file there"};
    os::posix_disk disk{{.policy = os::path_policy{{{"/"}, chosen.deny_paths}},
                         .allow_network_fs = chosen.allow_network_fs}};
    const auto opened = disk.open(probe, true);
    if (!opened.file)
        throw unusable{chosen.directory +
                       ": the agent would not collect files there: " + opened.failure.text};
    std::filesystem::remove(probe);
}

std::string random_name() {
    std::random_device random;
    const std::uint32_t number = random();
    return base::hex_encode({reinterpret_cast<const char*>(&number), sizeof number});
}

}  // namespace

std::string_view name_of(rotation kind) {
    switch (kind) {
        case rotation::rename:
            return "rename";
        case rotation::rename_late:
            return "rename, late";
        case rotation::copy_truncate:
            return "copytruncate";
        case rotation::remove:
            return "delete";
    }
    return "";
}

result run(options chosen, observer& seen) {
    std::optional<os::scratch_directory> made;
    try {
        made.emplace(chosen.directory, "logagent-selftest");
    } catch (const boost::system::system_error& failure) {
        throw unusable{failure.what()};
    }
    auto& place = *made;
    ::mkdir((place.path() + "/logs").c_str(), 0755);
    check_place(place, chosen);
    result out;
    asio::io_context loop{1};
    std::exception_ptr failure;
    {
        torture all{loop.get_executor(), chosen, place.path(), random_name(), seen};
        asio::co_spawn(loop, all.run(out), [&](std::exception_ptr thrown) {
            failure = thrown;
            loop.stop();
        });
        loop.run();
    }
    if (failure) out.failure = base::describe(failure);
    if (chosen.keep || (!out.good() && out.verdict.sum.written > 0)) {
        place.keep();
        out.kept = place.path();
    }
    return out;
}

}  // namespace logagent::selftest

#include "logagent/selftest/selftest.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "logagent/base/bytes.hpp"
#include "logagent/base/error.hpp"
#include "logagent/os/posix_disk.hpp"
#include "selftest/torture.hpp"

namespace logagent::selftest {

namespace asio = boost::asio;

namespace {

/// The run's own directory; gone with everything in it at the end, unless it is kept.
class scratch {
public:
    explicit scratch(const std::string& parent) {
        std::error_code failure;
        const auto real = std::filesystem::canonical(parent, failure);
        if (failure) throw unusable{parent + ": " + failure.message()};
        path_ = real / "logagent-selftest-XXXXXX";
        if (!::mkdtemp(path_.data()))
            throw unusable{parent + ": cannot make a directory there: " + std::strerror(errno)};
        ::mkdir((path_ + "/logs").c_str(), 0755);
    }
    ~scratch() {
        std::error_code ignored;
        if (!kept_) std::filesystem::remove_all(path_, ignored);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    const std::string& path() const { return path_; }
    void keep() { kept_ = true; }

private:
    std::string path_;
    bool kept_ = false;
};

/// An agent refuses some places; better said before than found as a loss of everything.
void check_place(const scratch& place, const options& chosen) {
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
    scratch place{chosen.directory};
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

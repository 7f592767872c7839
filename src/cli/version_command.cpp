#include <ares.h>
#include <gnu/libc-version.h>
#include <openssl/crypto.h>
#include <seccomp.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>
#include <CLI/Version.hpp>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/version.hpp>
#include <ostream>

#include "cli/commands.hpp"
#include "logagent/kafka/version.hpp"
#include "logagent_version.hpp"

namespace logagent::cli {

namespace {

/// BOOST_LIB_VERSION is "1_81".
std::string boost_version() {
    std::string text = BOOST_LIB_VERSION;
    std::replace(text.begin(), text.end(), '_', '.');
    return text;
}

/// Of the header: librdkafka brings an older xxHash of its own, and a function with the same name.
std::string xxhash_version() {
    return std::to_string(XXH_VERSION_MAJOR) + "." + std::to_string(XXH_VERSION_MINOR) + "." +
           std::to_string(XXH_VERSION_RELEASE);
}

std::string seccomp_library_version() {
    const auto* const version = ::seccomp_version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->micro);
}

/// What was linked, asked at run time where the library answers.
std::vector<std::pair<std::string, std::string>> libraries() {
    return {
        {"Boost", boost_version()},
        {"librdkafka", kafka::library_version()},
        {"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
        {"c-ares", ares_version(nullptr)},
        {"zlib", zlibVersion()},
        {"zstd", ZSTD_versionString()},
        {"xxHash", xxhash_version()},
        {"CLI11", CLI11_VERSION},
        {"glibc", gnu_get_libc_version()},
        {"libseccomp", seccomp_library_version()},
        {"compiler", "g++ " __VERSION__},
    };
}

int print_version(const arguments& given, streams to) {
    if (given.has("--json")) {
        boost::json::object parts;
        for (const auto& [name, version] : libraries())
            parts[name] = version;
        const boost::json::object all{{"name", "logagent"},
                                      {"version", LOGAGENT_VERSION},
                                      {"commit", LOGAGENT_COMMIT},
                                      {"libraries", std::move(parts)}};
        to.out << boost::json::serialize(all) << '\n';
        return 0;
    }
    to.out << "logagent " LOGAGENT_VERSION " (" LOGAGENT_COMMIT ")\n";
    for (const auto& [name, version] : libraries())
        to.out << "  " << name << std::string(12 - name.size(), ' ') << version << '\n';
    return 0;
}

constexpr flag flags[] = {
    {.names = "--json", .help = "Print one JSON object."},
};

}  // namespace

const command version_command{
    .name = "version",
    .summary = "print the version and what it is built with",
    .usage = "[--json]",
    .about = "Prints the version, the commit and the versions of the libraries in the binary.",
    .flags = flags,
    .examples = {},
    .run = print_version,
};

}  // namespace logagent::cli

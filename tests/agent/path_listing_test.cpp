#include "agent/path_listing.hpp"

#include <unistd.h>

#include <filesystem>

#include "logagent/base/json.hpp"
#include "logagent/os/posix_disk.hpp"
#include "os/temporary_directory.hpp"
#include "support/test.hpp"

using logagent::agent::path_listing;
namespace base = logagent::base;
namespace os = logagent::os;
namespace test = logagent::test;

namespace {

using texts = std::vector<std::string>;

struct tree {
    test::temporary_directory directory;
    os::posix_disk disk{{.policy = os::path_policy{{{directory / "logs"}, {"**/*.key"}}}}};

    tree() {
        for (const char* name : {"logs", "logs/a", "logs/a/b", "elsewhere"})
            std::filesystem::create_directory(directory / name);
        for (const char* name : {"logs/1.log", "logs/2.log", "logs/a/3.log", "logs/a/b/4.log",
                                 "logs/x.key", "logs/other.txt", "elsewhere/5.log"})
            directory.file(name, "12345");
        REQUIRE(::symlink((directory / "elsewhere/5.log").c_str(),
                          (directory / "logs/link.log").c_str()) == 0);
        REQUIRE(::symlink((directory / "elsewhere").c_str(), (directory / "logs/out").c_str()) ==
                0);
    }

    path_listing run(const std::string& glob, std::size_t limit = 100) {
        path_listing out{disk, directory / glob, limit};
        while (out.step()) {
        }
        return out;
    }
    texts paths(const std::string& glob, std::size_t limit = 100) {
        const auto whole =
            base::parse_json("{" + run(glob, limit).members() + "}").value().as_object();
        texts out;
        for (const auto& each : whole.at("paths").as_array())
            out.emplace_back(
                std::string{each.at("path").as_string()}.substr(directory.path().size() + 1));
        return out;
    }
};

}  // namespace

TEST_CASE("what a glob reaches is listed with sizes", "[path_listing]") {
    tree at;
    CHECK(at.paths("logs/*.log") == texts{"logs/1.log", "logs/2.log"});
    CHECK(at.paths("logs/**/*.log") ==
          texts{"logs/1.log", "logs/2.log", "logs/a/3.log", "logs/a/b/4.log"});
    CHECK(at.paths("logs/1.log") == texts{"logs/1.log"});
    CHECK(at.paths("logs/none.log").empty());
    CHECK(at.run("logs/*.txt").members().find("\"size\":5,") != std::string::npos);
}

TEST_CASE("what may not be read is not listed, nor is that it exists", "[path_listing]") {
    tree at;
    CHECK(at.paths("elsewhere/*").empty());
    CHECK(at.paths("elsewhere/5.log").empty());
    CHECK(at.paths("logs/*.key").empty());
    CHECK(at.paths("logs/link.log").empty());
    CHECK(at.paths("logs/out/*").empty());
    CHECK(at.paths("logs/../elsewhere/*").empty());
    CHECK(at.paths("**").size() == 5);
}

TEST_CASE("a listing ends at its limit and says so", "[path_listing]") {
    tree at;
    CHECK(at.paths("logs/**/*.log", 2) == texts{"logs/1.log", "logs/2.log"});
    CHECK(at.run("logs/**/*.log", 2).more());
    CHECK_FALSE(at.run("logs/**/*.log", 100).more());
}

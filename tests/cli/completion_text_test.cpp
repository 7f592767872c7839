#include "cli/completion_text.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "os/temporary_directory.hpp"
#include "support/test.hpp"

namespace logagent::cli {

namespace {

/// What bash offers behind these words; the last one is being written.
std::string completed(std::vector<std::string> words) {
    const test::temporary_directory place;
    std::ofstream{place / "completion"} << bash_completion(commands());
    std::string list;
    for (const auto& word : words)
        list += " '" + word + "'";
    std::ofstream{place / "ask"} << "source " << (place / "completion") << "\nCOMP_WORDS=(logagent"
                                 << list << ")\nCOMP_CWORD=" << words.size()
                                 << "\n_logagent\necho \"${COMPREPLY[*]}\"\n";
    const auto command = "bash " + (place / "ask") + " 2>/dev/null";
    FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char room[4096] = {};
    const auto got = std::fread(room, 1, sizeof room - 1, pipe);
    ::pclose(pipe);
    std::string out{room, got};
    return out.substr(0, out.find('\n'));
}

}  // namespace

TEST_CASE("bash completes commands, flags and the values that can be listed", "[cli]") {
    CHECK(completed({"sel"}) == "selftest");
    CHECK(completed({"agent", "--log"}) == "--logconfig");
    CHECK(completed({"agent", "--start", ""}) == "start end");
    CHECK(completed({"agent", "--rate", ""}).empty());
    CHECK(completed({"help", "stat"}) == "status");
}

TEST_CASE("completion names every flag of every command, and no hidden command", "[cli]") {
    for (const auto& script : {bash_completion(commands()), zsh_completion(commands())}) {
        for (const auto* one : commands()) {
            if (one->hidden) {
                CHECK(script.find("        " + std::string{one->name} + ")") == script.npos);
                continue;
            }
            for (const auto& flag : one->flags)
                CHECK(script.find(std::string{flag.name()}) != script.npos);
        }
    }
}

}  // namespace logagent::cli

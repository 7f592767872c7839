#include "logagent/checkpoint/read_state.hpp"

#include <filesystem>

#include "logagent/checkpoint/journal.hpp"
#include "logagent/os/posix_journal_files.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"

namespace logagent::checkpoint {
namespace {

std::int64_t clock_ms() {
    return 1000;
}

struct fixture {
    test::temporary_directory directory;
    boost::asio::io_context loop;
    os::posix_journal_files files{loop.get_executor(), directory.path()};
    std::string why;

    /// What an agent leaves behind, and does not end.
    std::unique_ptr<journal> write() {
        journal::settings chosen;
        chosen.program_version = "1";
        chosen.wall_ms = &clock_ms;
        auto out = std::make_unique<journal>(loop.get_executor(), files, chosen);
        generation_record generation;
        generation.path = "/log/app.log";
        out->put(generation);
        REQUIRE(out->write());
        return out;
    }
};

}  // namespace

TEST_CASE("the state is read beside the agent that writes it, and nothing changes",
          "[read_state]") {
    fixture at;
    const auto running = at.write();
    const auto size = std::filesystem::file_size(at.directory / "positions.journal");
    const auto found = read_state(at.files, at.why);
    REQUIRE(found);
    CHECK(found->generations == running->state().generations);
    CHECK(found->generations.size() == 1);
    CHECK(std::filesystem::file_size(at.directory / "positions.journal") == size);
    // A frame that is just being written is not there yet.
    std::filesystem::resize_file(at.directory / "positions.journal", size - 1);
    CHECK(read_state(at.files, at.why));
}

TEST_CASE("while a new journal takes its place, the previous one is read", "[read_state]") {
    fixture at;
    at.write();
    std::filesystem::rename(at.directory / "positions.journal",
                            at.directory / "positions.journal.previous");
    const auto found = read_state(at.files, at.why);
    REQUIRE(found);
    CHECK(found->generations.size() == 1);
}

TEST_CASE("a state that is not there, or is damaged, is said to be so", "[read_state]") {
    fixture at;
    CHECK_FALSE(read_state(at.files, at.why));
    CHECK(at.why.find("no positions.journal") != std::string::npos);
    at.directory.file("positions.journal", std::string(100, 'x'));
    CHECK_FALSE(read_state(at.files, at.why));
    CHECK(at.why.find("cannot be used") != std::string::npos);
}

}  // namespace logagent::checkpoint

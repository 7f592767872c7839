#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "logagent/os/posix_disk.hpp"
#include "logagent/tail/fingerprint.hpp"
#include "logagent/tail/generation_files.hpp"
#include "os/temporary_directory.hpp"
#include "support/packed_bytes.hpp"
#include "support/test.hpp"

namespace logagent::test {

/// A directory with a log and a journal that knows some of its generations.
struct generation_fixture {
    temporary_directory directory;
    std::string path = directory / "app.log";
    os::posix_disk disk{{.policy = os::path_policy{{{directory.path()}, {}}}}};
    checkpoint::state known;

    /// Writes a file that was last changed `age` seconds after some moment.
    std::string write(const std::string& name, const std::string& content, int age) const {
        auto file = directory.file(name, content);
        const timespec times[2] = {{1'795'475'460 + age, 0}, {1'795'475'460 + age, 0}};
        REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
        return file;
    }

    /// What an agent remembers that has sent all of the file.
    checkpoint::generation_id remember(const std::string& file, const std::string& content,
                                       std::uint8_t number) {
        os::file_status status;
        const auto opened = disk.open(file, false);
        REQUIRE(opened.file);
        REQUIRE(opened.file->status(status) == 0);
        checkpoint::generation_record record;
        record.id.bits[0] = number;
        record.path = path;
        record.identity = {status.device, status.inode, status.generation, status.birth_time, 0, 0};
        REQUIRE(tail::read_head(*opened.file, status.size, os::file::read_mode::blocking,
                                record.identity) == tail::look::same);
        record.first_seen_ms = number;
        known.generations[record.id] = record;
        checkpoint::position_record position;
        position.generation = record.id;
        position.topic = "t";
        position.done = {{0, content.size()}};
        const auto size = std::min<std::size_t>(content.size(), tail::anchor_bytes);
        position.anchor = {content.size(), static_cast<std::uint32_t>(size),
                           tail::hash(std::string_view{content}.substr(content.size() - size))};
        known.positions[{record.id, "t"}] = position;
        return record.id;
    }

    tail::generation_listing find() { return tail::find_generations(disk, known, path, false); }
};

inline std::string numbered(const std::string& word, int count) {
    std::string out;
    for (int at = 0; at < count; ++at)
        out += word + " " + std::to_string(at) + "\n";
    return out;
}

}  // namespace logagent::test

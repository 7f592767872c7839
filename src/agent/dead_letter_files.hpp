#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

namespace logagent::tail {
struct dead_letter;
}

namespace logagent::agent {

/// Dead letters that Kafka did not take, as files of one directory: `<ms>-<number>-<range>`, which
/// hold topic, key, reason and range, parted by tabs, a line end, the value, a line end. When all
/// of them are larger than the limit the oldest are removed and counted.
class dead_letter_files {
public:
    struct limits {
        std::uint64_t bytes = 64 * 1024 * 1024;
        int a_second = 8;  // each waits for the disk, and so does the loop
    };

    dead_letter_files(std::string directory, limits most)
        : directory_{std::move(directory)}, most_{most} {}

    /// On the disk when it returns true. False: not now, and last_problem() says why unless it was
    /// only too soon.
    bool keep(const tail::dead_letter& letter, std::chrono::steady_clock::time_point now,
              std::int64_t wall_ms);

    const std::string& last_problem() const noexcept { return problem_; }
    /// Letters that were removed, since the start of the process.
    std::uint64_t removed() const noexcept { return removed_; }

private:
    struct file {
        std::string name;
        std::uint64_t size;
    };

    bool open();
    bool fail(const std::string& what, int code);
    void make_room(std::uint64_t size);

    std::string directory_;
    limits most_;
    std::string problem_;
    std::deque<file> files_;  // oldest first
    std::uint64_t bytes_ = 0;
    std::uint64_t removed_ = 0;
    std::uint64_t number_ = 0;
    bool opened_ = false;
    std::chrono::steady_clock::time_point second_{};
    int in_second_ = 0;
};

}  // namespace logagent::agent

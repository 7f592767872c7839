#include "dead_letter_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "logagent/base/error.hpp"
#include "logagent/os/durable_write.hpp"
#include "logagent/tail/collector.hpp"

namespace logagent::agent {

bool dead_letter_files::keep(const tail::dead_letter& letter,
                             std::chrono::steady_clock::time_point now, std::int64_t wall_ms) {
    if (now - second_ >= std::chrono::seconds{1}) {
        second_ = now;
        in_second_ = 0;
    }
    if (in_second_ >= most_.a_second) return false;
    ++in_second_;
    if (!opened_ && !open()) return false;

    const std::string text = letter.topic + '\t' + letter.key + '\t' + letter.reason + '\t' +
                             letter.range + '\n' + letter.value + '\n';
    make_room(text.size());
    // Digits of one length, so that names are in the order of time; two files may have one range.
    char stamp[48];
    std::snprintf(stamp, sizeof stamp, "%013lld-%06llu-", static_cast<long long>(wall_ms),
                  static_cast<unsigned long long>(++number_));
    file kept{stamp + letter.range, text.size()};
    if (const int code = os::durable_write(directory_ + '/' + kept.name, text))
        return fail("write " + kept.name + " into", code);
    bytes_ += kept.size;
    files_.push_back(std::move(kept));
    problem_.clear();
    return true;
}

/// Makes the directory, or finds what earlier runs have left there.
bool dead_letter_files::open() {
    if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return fail("make", errno);
    std::error_code code;
    std::vector<file> found;
    for (std::filesystem::directory_iterator at{directory_, code}, end; !code && at != end;
         at.increment(code)) {
        const auto size = at->file_size(code);
        if (!code) found.push_back({at->path().filename().string(), size});
    }
    if (code) return fail("list", code.value());
    std::ranges::sort(found, {}, &file::name);
    for (auto& one : found) {
        bytes_ += one.size;
        files_.push_back(std::move(one));
    }
    opened_ = true;
    return true;
}

bool dead_letter_files::fail(const std::string& what, int code) {
    problem_ = "cannot " + what + " " + directory_ + ": " + base::describe_errno(code);
    return false;
}

void dead_letter_files::make_room(std::uint64_t size) {
    while (!files_.empty() && bytes_ + size > most_.bytes) {
        const auto& oldest = files_.front();
        // Somebody may have taken it away already; then it is not lost.
        if (::unlink((directory_ + '/' + oldest.name).c_str()) == 0) ++removed_;
        bytes_ -= oldest.size;
        files_.pop_front();
    }
}

}  // namespace logagent::agent

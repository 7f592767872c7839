#pragma once

#include <algorithm>

#include "logagent/os/compressed_file.hpp"

namespace logagent::tail {

/// A compressed generation as a tailer reads it: in slices however long it waits, because what
/// keeps it waiting is work, not the disk; and never shorter than the position, which lies in it.
class packed_file final : public os::file {
public:
    packed_file(std::unique_ptr<os::compressed_file> packed, std::uint64_t at_least)
        : packed_{std::move(packed)}, at_least_{at_least} {}

    int status(os::file_status& out) const override {
        const int code = packed_->status(out);
        if (!packed_->at_end()) out.size = std::max(out.size, at_least_);
        return code;
    }
    std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                      read_mode) const override {
        return packed_->read(first, second, offset, read_mode::cached);
    }
    void will_need(std::uint64_t offset, std::uint64_t length) const override {
        packed_->will_need(offset, length);
    }

private:
    std::unique_ptr<os::compressed_file> packed_;
    std::uint64_t at_least_;
};

}  // namespace logagent::tail

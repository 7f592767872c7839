#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "logagent/os/disk.hpp"

namespace logagent::test {

/// A file in memory that counts what is read of it. Reads are short, as real ones may be.
struct memory_file final : os::file {
    explicit memory_file(std::string bytes, std::size_t most = 50'000)
        : content{std::move(bytes)}, most_at_once{most} {}

    int status(os::file_status& out) const override {
        out = {};
        out.kind = os::file_status::type::regular;
        out.size = content.size();
        return 0;
    }
    std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                      read_mode) const override {
        std::int64_t total = 0;
        for (const auto part : {first, second}) {
            if (offset >= content.size()) break;
            const auto size = std::min({static_cast<std::uint64_t>(part.size()),
                                        content.size() - offset, std::uint64_t{most_at_once}});
            if (size == 0) continue;
            std::memcpy(part.data(), content.data() + offset, size);
            offset += size;
            total += static_cast<std::int64_t>(size);
            if (size < part.size()) break;
        }
        read_bytes += static_cast<std::uint64_t>(total);
        return total;
    }
    void will_need(std::uint64_t, std::uint64_t) const override {}

    std::string content;
    std::size_t most_at_once;
    mutable std::uint64_t read_bytes = 0;
};

}  // namespace logagent::test

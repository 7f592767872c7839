#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "logagent/os/compressed_file.hpp"

namespace logagent::os {

/// One stream of compressed bytes, whole members or frames after one another.
class decoder {
public:
    struct outcome {
        std::size_t consumed = 0;
        std::size_t produced = 0;
        int error = 0;         // EBADMSG, ENOTSUP, ENOMEM
        bool between = false;  // a member or frame ended here and no other has begun
    };

    virtual ~decoder() = default;

    /// Decompresses as much as fits. Nothing consumed and nothing produced: it needs more input.
    virtual outcome decode(std::span<const char> packed, std::span<char> out) = 0;

    /// Back to the beginning of a file.
    virtual void reset() = 0;
};

std::unique_ptr<decoder> make_decoder(compression kind);

}  // namespace logagent::os

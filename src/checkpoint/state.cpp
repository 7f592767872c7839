#include "logagent/checkpoint/state.hpp"

#include <sys/random.h>

#include <boost/system/system_error.hpp>
#include <cerrno>

namespace logagent::checkpoint {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t text_size = 22;

}  // namespace

std::string generation_id::text() const {
    std::string out;
    out.reserve(text_size);
    std::uint32_t pending = 0;
    int width = 0;
    for (const auto byte : bits) {
        pending = (pending << 8) | byte;
        width += 8;
        for (; width >= 6; width -= 6)
            out += alphabet[(pending >> (width - 6)) & 63];
    }
    out += alphabet[(pending << (6 - width)) & 63];
    return out;
}

bool generation_id::parse(std::string_view text, generation_id& out) {
    if (text.size() != text_size) return false;
    generation_id parsed;
    std::size_t bytes = 0;
    std::uint32_t pending = 0;
    int width = 0;
    for (const char c : text) {
        const auto digit = alphabet.find(c);
        if (digit == std::string_view::npos) return false;
        pending = (pending << 6) | static_cast<std::uint32_t>(digit);
        width += 6;
        if (width >= 8) {
            width -= 8;
            parsed.bits[bytes++] = static_cast<std::uint8_t>(pending >> width);
        }
    }
    // Four bits are left over; only zeros there keep one text for one id.
    if ((pending & 15) != 0) return false;
    out = parsed;
    return true;
}

generation_id generation_id::random() {
    generation_id out;
    // Up to 256 bytes come whole or not at all.
    while (::getrandom(out.bits.data(), out.bits.size(), 0) < 0) {
        if (errno != EINTR)
            throw boost::system::system_error{errno, boost::system::system_category(), "getrandom"};
    }
    return out;
}

}  // namespace logagent::checkpoint

#include <cstring>

#include "delivery/container_line.hpp"
#include "logagent/delivery/framing.hpp"
#include "logagent/delivery/utf16.hpp"

namespace logagent::delivery {

namespace {

// Time, stream and tags of a CRI line.
constexpr std::size_t longest_cri_header = 128;

}  // namespace

void long_line::start(const line_rules& rules, encoding as, std::uint64_t begin) {
    rules_ = &rules;
    as_ = as;
    position_ = begin;
    first_ = true;
    stream_ = 0;
    ends_ = true;
    in_line_ = rules.decode() == fleet::decode_kind::none;
}

/// Bytes up to and with the line end; 0 if there is none.
std::size_t long_line::line_end(std::string_view bytes) const noexcept {
    if (as_ == encoding::bytes) {
        const auto found = bytes.find('\n');
        return found == bytes.npos ? 0 : found + 1;
    }
    const std::size_t odd = position_ % 2;
    if (bytes.size() <= odd) return 0;
    const auto found = utf16::find_line_end(bytes, odd, as_);
    return found == bytes.npos ? 0 : found + 2;
}

/// What the line of the file that begins `bytes` says: whether the logical line goes on after it,
/// or ended in front of it.
long_line::verdict long_line::header(std::string_view bytes, bool last) {
    const std::size_t size = line_end(bytes);
    container_line read;
    bool valid = false;
    if (rules_->decode() == fleet::decode_kind::cri) {
        if (size == 0 && bytes.size() < longest_cri_header && !last) return verdict::unknown;
        valid = read_cri(size > 0 ? bytes.substr(0, size - 1) : bytes, read);
    } else if (size > 0) {
        std::string scratch;
        valid = read_container_line(rules_->decode(), bytes.substr(0, size - 1), read, scratch);
    } else if (bytes.size() < longest_container_line && !last) {
        return verdict::unknown;
    }
    if (!first_ && (!valid || read.stream != stream_)) return verdict::ended;
    stream_ = read.stream;
    ends_ = !valid || read.complete;
    return verdict::more;
}

bool long_line::feed(std::string_view bytes, bool last) {
    for (;;) {
        if (bytes.empty()) return false;
        if (!in_line_) {
            const verdict found = header(bytes, last);
            if (found == verdict::ended) return true;
            if (found == verdict::unknown) return false;
            in_line_ = true;
            first_ = false;
        }
        const std::size_t size = line_end(bytes);
        if (size == 0) {
            // Half a unit is looked at again together with its other half.
            const bool half = as_ != encoding::bytes && !last;
            position_ += half ? bytes.size() - (position_ + bytes.size()) % 2 : bytes.size();
            return false;
        }
        position_ += size;
        bytes.remove_prefix(size);
        if (ends_) return true;
        in_line_ = false;
    }
}

}  // namespace logagent::delivery

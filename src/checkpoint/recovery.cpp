#include "checkpoint/recovery.hpp"

#include "logagent/checkpoint/journal.hpp"

namespace logagent::checkpoint {

namespace {

[[noreturn]] void refuse_newer(const header& header, const std::string& name) {
    throw unusable_state{name + " has format " + std::to_string(header.version) +
                         ", written by logagent " + header.writer +
                         "; this program reads formats up to " + std::to_string(format_version) +
                         ": use that version or a newer one, or another state_dir"};
}

}  // namespace

recovery recover(std::string_view bytes, const std::string& name) {
    recovery out;
    if (bytes.empty()) {
        out.damage = "the file is empty";
        return out;
    }
    if (!decode(bytes, out.header) || out.header.version == 0) {
        out.damage = "its header is damaged";
        return out;
    }
    if (out.header.version > format_version) refuse_newer(out.header, name);

    out.good_size = header_size;
    for (;;) {
        const auto rest = bytes.substr(out.good_size);
        const auto payload = valid_frame(rest, out.header.seed, out.frames);
        if (payload.empty()) break;
        const auto result = replay(payload, out.state);
        if (!result.error.empty())
            throw unusable_state{name + ", frame at byte " + std::to_string(out.good_size) + ": " +
                                 result.error + " in format " + std::to_string(out.header.version) +
                                 ", written by logagent " + out.header.writer};
        out.good_size += frame_header_size + payload.size();
        ++out.frames;
        if (result.snapshot_end) out.snapshot_size = out.good_size;
    }
    if (out.snapshot_size == 0)
        out.damage = "its snapshot is damaged at byte " + std::to_string(out.good_size);
    return out;
}

}  // namespace logagent::checkpoint

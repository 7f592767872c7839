#include "checkpoint/record.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "checkpoint/apply.hpp"

namespace logagent::checkpoint {

static_assert(std::endian::native == std::endian::little, "the format is copied byte by byte");

namespace {

constexpr std::string_view magic = "LOGAGJRN";
constexpr std::size_t writer_size = 32;

template <class Number>
void put_number(std::string& out, Number value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class Number>
void set_number(std::string& out, std::size_t at, Number value) {
    std::memcpy(out.data() + at, &value, sizeof value);
}

void put_text(std::string& out, std::string_view text) {
    put_number(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

void put_id(std::string& out, const generation_id& id) {
    out.append(reinterpret_cast<const char*>(id.bits.data()), id.bits.size());
}

void put_anchor(std::string& out, const anchor& anchor) {
    put_number(out, anchor.offset);
    put_number(out, anchor.size);
    put_number(out, anchor.hash);
}

void put_counts(std::string& out, const byte_counts& counts) {
    put_number(out, static_cast<std::uint8_t>(counts.size()));
    for (const auto count : counts)
        put_number(out, count);
}

/// Writes the type, and at its end the length, of the record whose body is added meanwhile.
class record_scope {
public:
    record_scope(std::string& out, record_type type) : out_{out} {
        put_number(out, type);
        put_number(out, std::uint32_t{0});
        begin_ = out.size();
    }
    ~record_scope() {
        set_number(out_, begin_ - 4, static_cast<std::uint32_t>(out_.size() - begin_));
    }

private:
    std::string& out_;
    std::size_t begin_;
};

/// Reads fields one after the other. Behind the end every field is zero or empty: that is how a
/// record of an older program, without the newer fields, is read.
class fields {
public:
    explicit fields(std::string_view bytes) : left_{bytes} {}

    bool empty() const noexcept { return left_.empty(); }

    std::string_view take(std::size_t size) {
        const auto out = left_.substr(0, size);
        left_.remove_prefix(out.size());
        return out;
    }

    template <class Number>
    Number number() {
        Number value{};
        const auto bytes = take(sizeof value);
        if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }

    std::string text() { return std::string{take(number<std::uint32_t>())}; }

    generation_id id() {
        generation_id out;
        const auto bytes = take(out.bits.size());
        std::memcpy(out.bits.data(), bytes.data(), bytes.size());
        return out;
    }

    checkpoint::anchor anchor() {
        checkpoint::anchor out;
        out.offset = number<std::uint64_t>();
        out.size = number<std::uint32_t>();
        out.hash = number<std::uint64_t>();
        return out;
    }

    byte_counts counts() {
        byte_counts out{};
        const std::size_t count = number<std::uint8_t>();
        for (std::size_t i = 0; i < count; ++i) {
            const auto value = number<std::uint64_t>();
            if (i < out.size()) out[i] = value;
        }
        return out;
    }

private:
    std::string_view left_;
};

generation_record read_generation(fields in) {
    generation_record out;
    out.id = in.id();
    out.path = in.text();
    out.identity.device = in.number<std::uint64_t>();
    out.identity.inode = in.number<std::uint64_t>();
    out.identity.inode_generation = in.number<std::uint64_t>();
    out.identity.birth_time = in.number<std::int64_t>();
    out.identity.head_size = in.number<std::uint32_t>();
    out.identity.head_hash = in.number<std::uint64_t>();
    out.first_seen_ms = in.number<std::int64_t>();
    out.packed = in.number<std::uint8_t>() != 0;
    return out;
}

position_record read_position(fields in) {
    position_record out;
    out.generation = in.id();
    out.topic = in.text();
    out.log_path = in.text();
    out.partition = in.number<std::int32_t>();
    const auto ranges = in.number<std::uint32_t>();
    for (std::uint32_t i = 0; i < ranges && !in.empty(); ++i) {
        const auto begin = in.number<std::uint64_t>();
        out.done.push_back({begin, in.number<std::uint64_t>()});
    }
    out.size = in.number<std::uint64_t>();
    out.anchor = in.anchor();
    out.counts = in.counts();
    for (std::size_t i = 1; i < out.done.size() && !in.empty(); ++i)
        out.later_anchors.push_back(in.anchor());
    return out;
}

loss_record read_loss(fields in) {
    loss_record out;
    out.number = in.number<std::uint64_t>();
    out.generation = in.id();
    out.path = in.text();
    out.topic = in.text();
    out.kind = static_cast<byte_class>(in.number<std::uint8_t>());
    out.where.begin = in.number<std::uint64_t>();
    out.where.end = in.number<std::uint64_t>();
    out.bytes = in.number<std::uint64_t>();
    out.at_ms = in.number<std::int64_t>();
    out.reason = in.text();
    return out;
}

/// False: a type that this version does not know.
bool apply_record(record_type type, fields in, state& state, applied& out) {
    switch (type) {
        case record_type::generation: {
            auto record = read_generation(in);
            state.generations.insert_or_assign(record.id, std::move(record));
            return true;
        }
        case record_type::position: {
            auto record = read_position(in);
            state::position_key key{record.generation, record.topic};
            state.positions.insert_or_assign(std::move(key), std::move(record));
            return true;
        }
        case record_type::target: {
            target_record record{in.text(), in.text(), in.number<std::int64_t>()};
            state::target_key key{record.log_path, record.topic};
            state.targets.insert_or_assign(std::move(key), std::move(record));
            return true;
        }
        case record_type::generation_removed:
            erase_generation(state, in.id());
            state.retired = in.counts();
            return true;
        case record_type::target_removed: {
            auto log_path = in.text();
            state.targets.erase({std::move(log_path), in.text()});
            return true;
        }
        case record_type::totals:
            state.retired = in.counts();
            return true;
        case record_type::loss: {
            auto record = read_loss(in);
            state.losses.insert_or_assign(record.number, std::move(record));
            forget_old_losses(state);
            return true;
        }
        case record_type::snapshot_end:
            out.snapshot_end = true;
            return true;
    }
    return false;
}

std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

std::string encode(const header& header) {
    std::string out{magic};
    put_number(out, header.version);
    put_number(out, static_cast<std::uint32_t>(header_size));
    put_number(out, header.seed);
    out += header.writer.substr(0, writer_size);
    out.resize(header_size - 8);
    put_number(out, checksum(out, 0));
    return out;
}

bool decode(std::string_view bytes, header& out) {
    if (bytes.size() < header_size || !bytes.starts_with(magic)) return false;
    fields in{bytes.substr(magic.size(), header_size - magic.size())};
    out.version = in.number<std::uint32_t>();
    in.number<std::uint32_t>();
    out.seed = in.number<std::uint64_t>();
    const auto writer = in.take(writer_size);
    out.writer = writer.substr(0, writer.find('\0'));
    return in.number<std::uint64_t>() == checksum(bytes.substr(0, header_size - 8), 0);
}

frame_writer::frame_writer(std::int64_t written_ms) : bytes_(frame_header_size, '\0') {
    put_number(bytes_, written_ms);
}

void frame_writer::add(const generation_record& record) {
    const record_scope scope{bytes_, record_type::generation};
    put_id(bytes_, record.id);
    put_text(bytes_, record.path);
    put_number(bytes_, record.identity.device);
    put_number(bytes_, record.identity.inode);
    put_number(bytes_, record.identity.inode_generation);
    put_number(bytes_, record.identity.birth_time);
    put_number(bytes_, record.identity.head_size);
    put_number(bytes_, record.identity.head_hash);
    put_number(bytes_, record.first_seen_ms);
    put_number(bytes_, static_cast<std::uint8_t>(record.packed));
}

void frame_writer::add(const position_record& record) {
    const record_scope scope{bytes_, record_type::position};
    put_id(bytes_, record.generation);
    put_text(bytes_, record.topic);
    put_text(bytes_, record.log_path);
    put_number(bytes_, record.partition);
    put_number(bytes_, static_cast<std::uint32_t>(record.done.size()));
    for (const auto& range : record.done) {
        put_number(bytes_, range.begin);
        put_number(bytes_, range.end);
    }
    put_number(bytes_, record.size);
    put_anchor(bytes_, record.anchor);
    put_counts(bytes_, record.counts);
    for (const auto& anchor : record.later_anchors)
        put_anchor(bytes_, anchor);
}

void frame_writer::add(const target_record& record) {
    const record_scope scope{bytes_, record_type::target};
    put_text(bytes_, record.log_path);
    put_text(bytes_, record.topic);
    put_number(bytes_, record.applied_ms);
}

void frame_writer::add(const loss_record& record) {
    const record_scope scope{bytes_, record_type::loss};
    put_number(bytes_, record.number);
    put_id(bytes_, record.generation);
    put_text(bytes_, record.path);
    put_text(bytes_, record.topic);
    put_number(bytes_, static_cast<std::uint8_t>(record.kind));
    put_number(bytes_, record.where.begin);
    put_number(bytes_, record.where.end);
    put_number(bytes_, record.bytes);
    put_number(bytes_, record.at_ms);
    put_text(bytes_, record.reason);
}

void frame_writer::add_removed(const generation_id& id, const byte_counts& retired) {
    const record_scope scope{bytes_, record_type::generation_removed};
    put_id(bytes_, id);
    put_counts(bytes_, retired);
}

void frame_writer::add_removed(const state::target_key& target) {
    const record_scope scope{bytes_, record_type::target_removed};
    put_text(bytes_, target.first);
    put_text(bytes_, target.second);
}

void frame_writer::add_totals(const byte_counts& retired) {
    const record_scope scope{bytes_, record_type::totals};
    put_counts(bytes_, retired);
}

void frame_writer::add_snapshot_end() {
    const record_scope scope{bytes_, record_type::snapshot_end};
}

std::string frame_writer::finish(std::uint64_t seed, std::uint64_t sequence) && {
    set_number(bytes_, 8, static_cast<std::uint32_t>(bytes_.size() - frame_header_size));
    const auto covered = std::string_view{bytes_}.substr(8);
    set_number(bytes_, 0, checksum(covered, seed + sequence));
    return std::move(bytes_);
}

std::string_view valid_frame(std::string_view bytes, std::uint64_t seed, std::uint64_t sequence) {
    if (bytes.size() < frame_header_size + 8) return {};
    fields in{bytes};
    const auto sum = in.number<std::uint64_t>();
    const std::size_t size = in.number<std::uint32_t>();
    if (size < 8 || size > bytes.size() - frame_header_size) return {};
    if (checksum(bytes.substr(8, 4 + size), seed + sequence) != sum) return {};
    return bytes.substr(frame_header_size, size);
}

applied replay(std::string_view payload, state& state) {
    applied out;
    fields in{payload};
    state.last_stop_ms = in.number<std::int64_t>();
    while (!in.empty()) {
        const auto type = in.number<std::uint8_t>();
        const auto body = in.take(in.number<std::uint32_t>());
        if (!apply_record(static_cast<record_type>(type), fields{body}, state, out)) {
            out.error = "record type " + std::to_string(type) + " is unknown";
            break;
        }
    }
    return out;
}

}  // namespace logagent::checkpoint

#include "logagent/delivery/record_builder.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::delivery {

namespace {

using checkpoint::byte_class;

constexpr std::size_t key_block_size = 64 * 1024;
constexpr std::size_t longest_offsets = 2 * base::number_room + 2;
// What Kafka's framing of one record takes at most beside key and value (DESIGN 4.3).
constexpr std::uint64_t framing = 128;

constexpr std::string_view before_end = ",\"end\":";
constexpr std::string_view before_message = ",\"message\":";
constexpr std::string_view encoding_error = ",\"encoding_error\":true";
// What an envelope takes at most behind its head and beside the message.
constexpr std::size_t envelope_rest =
    2 * base::number_room + before_end.size() + before_message.size() + encoding_error.size() + 1;

bool is_blank(const char* text, std::uint32_t size) noexcept {
    for (std::uint32_t at = 0; at < size; ++at) {
        const char c = text[at];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\v' && c != '\f') return false;
    }
    return true;
}

std::string key_prefix(const record_builder::origin& from, fleet::key_kind kind) {
    std::string prefix{"["};
    if (kind == fleet::key_kind::full) {
        for (const std::string_view part :
             {from.host, std::string_view{from.target->service}, from.path}) {
            base::append_json_string(prefix, part);
            prefix += ',';
        }
    }
    prefix += '"';
    prefix += from.generation->text();
    prefix += "\",";
    return prefix;
}

void append_time(std::string& out, std::int64_t now_ms) {
    const std::time_t seconds = static_cast<std::time_t>(now_ms / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    out.append(text, size);
    std::snprintf(text, sizeof text, ".%03dZ", static_cast<int>(now_ms % 1000));
    out += text;
}

}  // namespace

void record_builder::begin(const origin& from, run& into) {
    from_ = from;
    run_ = &into;
    into.counts = {};
    into.built = {};  // of an attempt that was not taken
    records_.clear();
    dead_letters_.clear();
    keys_used_ = 0;
    key_block_ = 0;
    key_block_used_ = 0;
    write_prefix();
    borrow_ = from.target->format == fleet::record_format::raw && !from.filter->masks();
    const std::uint64_t limit = std::min(from.target->max_line_bytes, from.record_limit);
    const std::uint64_t key =
        from.target->key == fleet::key_kind::none ? 0 : prefix_.size() + longest_offsets;
    value_limit_ = limit > key + framing ? limit - key - framing : 1;
    if (from.target->format == fleet::record_format::json) write_envelope_head();
}

void record_builder::write_envelope_head() {
    envelope_head_.assign("{\"@timestamp\":\"");
    append_time(envelope_head_, from_.now_ms);
    envelope_head_ += "\",\"host\":";
    base::append_json_string(envelope_head_, from_.host);
    envelope_head_ += ",\"service\":";
    base::append_json_string(envelope_head_, from_.target->service);
    envelope_head_ += ",\"path\":";
    base::append_json_string(envelope_head_, from_.path);
    envelope_head_ += ",\"generation\":\"" + from_.generation->text() + "\",\"start\":";
    const std::size_t beside = envelope_head_.size() + envelope_rest;
    message_limit_ = value_limit_ > beside ? value_limit_ - beside : 0;
}

/// How much of the front of `value` fits into a record.
std::size_t record_builder::fitting(std::string_view value) {
    if (from_.target->format == fleet::record_format::raw)
        return std::min<std::uint64_t>(value.size(), value_limit_);
    std::uint64_t room = message_limit_ > 2 ? message_limit_ - 2 : 0;  // the quotes
    // No byte takes more than the six of \u00xx.
    if (value.size() <= room / 6) return value.size();
    // Ever smaller pieces are measured, so that each byte is escaped about twice at most.
    std::size_t kept = 0;
    for (std::size_t piece = value.size(); piece > 0; piece /= 2) {
        while (value.size() - kept >= piece) {
            message_.clear();
            base::append_json_string(message_, value.substr(kept, piece));
            const std::size_t escaped = message_.size() - 2;
            if (escaped > room) break;
            room -= escaped;
            kept += piece;
        }
    }
    const auto continues = [&] {
        return kept < value.size() && (static_cast<unsigned char>(value[kept]) & 0xc0) == 0x80;
    };
    for (int back = 0; back < 3 && kept > 0 && continues(); ++back)
        --kept;  // whole characters
    return kept;
}

void record_builder::write_prefix() {
    if (from_.target->key == fleet::key_kind::none) {
        prefix_.clear();
    } else {
        prefix_ = key_prefix(from_, from_.target->key);
    }
}

std::uint32_t record_builder::write_key(std::uint64_t begin, std::uint64_t end) {
    const std::size_t room = prefix_.size() + longest_offsets;
    if (key_blocks_.empty() || key_block_used_ + room > key_block_size) {
        if (!key_blocks_.empty() && key_block_used_ > 0) ++key_block_;
        // A path is at most 4096 bytes, escaped six times that: a key always fits into one block.
        if (key_block_ >= key_blocks_.size())
            key_blocks_.push_back(std::make_unique_for_overwrite<char[]>(key_block_size));
        key_block_used_ = 0;
    }
    char* const first = key_blocks_[key_block_].get() + key_block_used_;
    std::memcpy(first, prefix_.data(), prefix_.size());
    char* at = base::write_number(first + prefix_.size(), begin);
    *at++ = ',';
    at = base::write_number(at, end);
    *at++ = ']';
    const auto size = static_cast<std::uint32_t>(at - first);
    key_block_used_ += size;
    keys_used_ += size;
    records_.back().key = first;
    records_.back().key_size = size;
    return size;
}

bool record_builder::add(const line& added, bool must) {
    const fleet::log_target& target = *from_.target;
    std::uint32_t size = added.size;
    if (size > 0 && added.cut == 0 && added.text[size - 1] == '\r') --size;
    const std::uint64_t whole = added.end - added.begin - added.foreign;
    if (target.skip_blank && added.cut == 0 && is_blank(added.text, size) && !added.inside) {
        count(byte_class::blank, whole);
        return true;
    }
    std::string_view value{added.text, size};
    if (!from_.filter->passes(value)) {
        count(byte_class::filtered, whole);
        return true;
    }
    if (borrow_ && !added.passing) {
        if (size > value_limit_ || added.cut > 0) return add_long(added, value, must);
        records_.push_back(kafka::record{added.text, size, nullptr, 0});
    } else {
        const std::string_view masked = from_.filter->masked(value, masked_);
        if (fitting(masked) < masked.size() || added.cut > 0) return add_long(added, value, must);
        if (!add_built(added.begin, added.end, masked, must)) return false;
    }
    count(byte_class::acked, whole);
    if (target.key != fleet::key_kind::none) write_key(added.begin, added.end);
    return true;
}

/// A line that is longer than a record may be, or was not read as a whole.
bool record_builder::add_long(const line& added, std::string_view value, bool must) {
    const std::uint64_t whole = added.end - added.begin - added.foreign;
    if (from_.target->oversize == fleet::oversize_policy::dead_letter) {
        count(byte_class::dead_letter, whole);
        dead_letters_.push_back(added);
        return true;
    }
    if (from_.target->oversize == fleet::oversize_policy::split && !value.empty())
        return add_pieces(added, value, must);
    std::uint64_t cut = added.cut;
    if (borrow_ && !added.passing) {
        const auto kept = std::min<std::uint64_t>(value.size(), value_limit_);
        cut += value.size() - kept;
        records_.push_back(kafka::record{added.text, static_cast<std::uint32_t>(kept), nullptr, 0});
    } else {
        value = from_.filter->masked(value, masked_);
        const std::size_t kept = fitting(value);
        cut += value.size() - kept;
        if (!add_built(added.begin, added.end, value.substr(0, kept), must)) return false;
    }
    // A mask may have made the line longer, so what was cut can exceed what stood in the file.
    cut = std::min(cut, whole);
    count(byte_class::cut, cut);
    count(byte_class::acked, whole - cut);
    if (from_.target->key != fleet::key_kind::none) write_key(added.begin, added.end);
    return true;
}

/// Several records with adjacent ranges that cover the line. Where the text is not what stands in
/// the file, the ranges divide the line as the pieces divide the text.
bool record_builder::add_pieces(const line& added, std::string_view value, bool must) {
    const std::uint64_t range = added.end - added.begin;
    std::uint64_t cut = added.cut;
    std::uint64_t begin = added.begin;
    for (std::size_t at = 0; at < value.size();) {
        const auto rest = value.substr(at);
        const auto text = rest.substr(0, piece(rest));
        at += text.size();
        std::uint64_t end = added.end;
        if (at < value.size()) {
            const auto share = static_cast<double>(at) / static_cast<double>(value.size());
            end = added.begin +
                  (added.decoded ? static_cast<std::uint64_t>(share * static_cast<double>(range))
                                 : at);
            end = std::min(std::max(end, begin + 1), added.end - 1);
        }
        if (borrow_ && !added.passing) {
            records_.push_back(
                kafka::record{text.data(), static_cast<std::uint32_t>(text.size()), nullptr, 0});
        } else {
            const auto masked = from_.filter->masked(text, masked_);
            const std::size_t kept = fitting(masked);
            cut += masked.size() - kept;
            if (!add_built(begin, end, masked.substr(0, kept), must)) return false;
            must = true;  // the rest of the line belongs to the same run
        }
        if (from_.target->key != fleet::key_kind::none) write_key(begin, end);
        begin = end;
    }
    const std::uint64_t whole = range - added.foreign;
    cut = std::min(cut, whole);
    count(byte_class::cut, cut);
    count(byte_class::acked, whole - cut);
    return true;
}

std::uint64_t record_builder::value_limit() const noexcept {
    if (from_.target->format == fleet::record_format::raw) return value_limit_;
    return message_limit_ > 2 ? message_limit_ - 2 : 1;
}

std::size_t record_builder::piece(std::string_view text) {
    // An escaped text is never shorter, so what is behind the limit need not be measured.
    std::size_t size = fitting(text.substr(0, value_limit_ + 1));
    if (size >= text.size()) return text.size();
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
    };
    for (int back = 0; back < 3 && size > 0 && continues(size); ++back)
        --size;
    // A carriage return may be the first half of the line end.
    if (size > 1 && text[size - 1] == '\r') --size;
    return size > 0 ? size : std::min(base::first_character(text).length, text.size());
}

bool record_builder::add_built(std::uint64_t begin, std::uint64_t end, std::string_view value,
                               bool must) {
    std::string_view bytes = value;
    if (from_.target->format == fleet::record_format::json) {
        message_.clear();
        const bool repaired = base::append_json_string(message_, value);
        envelope_.assign(envelope_head_);
        base::append_number(envelope_, begin);
        envelope_ += before_end;
        base::append_number(envelope_, end);
        envelope_ += before_message;
        envelope_ += message_;
        if (repaired) envelope_ += encoding_error;
        envelope_ += '}';
        bytes = envelope_;
    }
    auto& built = run_->built;
    if (built.empty() || built.back()->room().size() < bytes.size()) {
        if (!records_.empty() && !must) return false;
        built.push_back(pool_.allocate(std::max(chunk_pool::large, bytes.size())));
    }
    chunk& room = *built.back();
    char* const place = room.room().data();
    std::memcpy(place, bytes.data(), bytes.size());
    room.use(bytes.size());
    records_.push_back(kafka::record{place, static_cast<std::uint32_t>(bytes.size()), nullptr, 0});
    return true;
}

std::string record_builder::key_of(const origin& from, std::uint64_t begin, std::uint64_t end,
                                   bool always) const {
    const auto kind = from.target->key == fleet::key_kind::none && always ? fleet::key_kind::full
                                                                          : from.target->key;
    if (kind == fleet::key_kind::none) return {};
    std::string key = key_prefix(from, kind);
    base::append_number(key, begin);
    key += ',';
    base::append_number(key, end);
    key += ']';
    return key;
}

}  // namespace logagent::delivery

#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/fleet/log_target.hpp"

namespace logagent::delivery {

enum class encoding : std::uint8_t { bytes, utf16le, utf16be };

/// The encoding of a file: what its byte order mark says, else what is configured. Container
/// formats are bytes. No value: `head`, the file's first bytes, is too short to tell.
std::optional<encoding> encoding_of(const fleet::log_target& target, std::string_view head);

/// How a target's bytes become lines: the compiled `decode` and `multiline`.
class line_rules {
public:
    explicit line_rules(const fleet::log_target& target);
    ~line_rules();
    line_rules(line_rules&&) noexcept;
    line_rules& operator=(line_rules&&) noexcept;

    /// Every line of the file is a record of its own, just as it stands there.
    bool plain() const noexcept { return decode_ == fleet::decode_kind::none && !groups(); }
    fleet::decode_kind decode() const noexcept { return decode_; }
    bool groups() const noexcept { return start_ != nullptr; }
    /// Whether a line is the first of a group. Requires groups().
    bool begins_group(std::string_view line) const;
    std::uint32_t most_lines() const noexcept { return most_lines_; }
    std::uint32_t timeout_ms() const noexcept { return timeout_ms_; }

private:
    struct pattern;
    fleet::decode_kind decode_;
    std::unique_ptr<pattern> start_;  // null: lines are not joined
    std::uint32_t most_lines_ = 0;
    std::uint32_t timeout_ms_ = 0;
};

/// Whether lines, groups and joined lines end where the bytes end.
enum class closing : std::uint8_t {
    none,    // more may come
    groups,  // more may come, but the lines of a group are too many
    idle,    // nothing came for long: a line without end may be completed, but nothing else waits
    last,    // nobody will write here any more
    full,    // memory holds no more of this line: what there is becomes a piece of it
};

/// A logical line, or bytes that belong to none.
struct frame {
    const char* text = nullptr;  // in the file's bytes; null: in the framing, at `kept_at`
    std::size_t kept_at = 0;
    std::uint32_t size = 0;   // without the line end, but with a '\r' before it
    std::uint64_t begin = 0;  // offsets in the file; `end` is after the line end
    std::uint64_t end = 0;
    std::uint64_t foreign = 0;      // bytes in between that belong to other records
    std::uint64_t until = 0;        // where a run may end after this frame; 0 = not here
    std::uint32_t undecodable = 0;  // lines in it that are not valid in the target's format
    bool verbatim = false;          // the text is the file's bytes from `begin` on
    bool gap = false;               // NUL bytes or a byte order mark: nothing to send
    bool inside = false;            // goes on in a line whose beginning was sent before
};

/// Cuts bytes into logical lines where a line of the file is not simply a record: groups of lines,
/// container formats, UTF-16.
///
/// Keeps nothing from one call to the next: what is not complete yet is not in frames(), and is
/// given again later, from end() on. So equal bytes make equal frames, whatever the pieces in which
/// they arrive. Lines of different streams of a container may be interleaved; then frames overlap,
/// and only the last of them says `until`.
class framing {
public:
    struct input {
        const line_rules* rules = nullptr;
        encoding as = encoding::bytes;
        std::string_view text;
        std::uint64_t offset = 0;  // of the text in the file
        std::uint64_t limit = 0;   // bytes of a value; a group ends before it exceeds them
        closing close = closing::none;
        bool inside = false;  // the text begins in the middle of a line
        bool grouped = true;  // false: lines are not joined to groups
        std::size_t most = std::numeric_limits<std::size_t>::max();  // frames wanted, about
    };

    void cut(const input& from);

    std::span<const frame> frames() const noexcept { return frames_; }
    std::string_view text_of(const frame& of) const noexcept {
        return {of.text ? of.text : kept_.data() + of.kept_at, of.size};
    }
    /// Everything before is in frames().
    std::uint64_t end() const noexcept { return end_; }
    /// end() lies within a line.
    bool ends_inside() const noexcept { return ends_inside_; }

    /// What waits behind end(), if the whole text was looked at.
    struct waiting {
        bool group = false;             // lines that more lines may belong to
        bool joined = false;            // a line in parts whose last one is missing
        std::uint64_t joined_from = 0;  // where it begins
    };
    const waiting& waits() const noexcept { return waits_; }

private:
    struct logical {
        std::string_view text;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        std::uint64_t own = 0;  // bytes of [begin, end) that are its own
        std::uint32_t undecodable = 0;
        bool in_file = false;   // the text lies in the file's bytes
        bool verbatim = false;  // and begins where the line does
        bool inside = false;
    };
    struct parts {  // of a line of one stream
        bool open = false;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        std::uint64_t own = 0;
        std::string text;
    };
    struct group {
        logical all;
        std::uint32_t lines = 0;  // 0 = none is open
        std::string joined;       // unless all.in_file
    };

    bool next_line();
    bool skip_front(std::size_t at);
    std::size_t nuls(std::size_t at) const noexcept;
    void take(std::size_t from, std::size_t to, std::size_t after);
    void take_decoded(std::string_view text, const logical& whole);
    void part(parts& of, std::string_view content, bool complete, const logical& whole);
    void complete(const logical& line);
    void join(const logical& line);
    void emit(const logical& line);
    void close_joined();
    void close_group();
    void mark(std::uint64_t next);
    void force();
    std::uint64_t offset_of(std::size_t at) const noexcept { return from_.offset + at; }

    static constexpr std::size_t streams = 3;  // standard output, standard error, others

    input from_;
    std::size_t at_ = 0;  // in the text
    bool inside_ = false;
    std::vector<frame> frames_;
    std::size_t whole_ = 0;      // frames up to end_
    std::uint64_t emitted_ = 0;  // bytes that belong to frames_
    std::uint64_t end_ = 0;
    bool ends_inside_ = false;
    waiting waits_;
    parts parts_[streams];
    group group_;
    std::string kept_;     // text that stands nowhere in the file
    std::string scratch_;  // a line in UTF-8
    std::string decoded_;
};

/// Finds the end of a logical line that does not fit into memory, slice by slice.
class long_line {
public:
    /// The line begins at `begin`.
    void start(const line_rules& rules, encoding as, std::uint64_t begin);
    /// The next byte wanted or, once it was found, the end of the line (after its line end).
    std::uint64_t position() const noexcept { return position_; }
    /// Takes bytes that begin at position(). True: the end was found. What was not taken is wanted
    /// again, with more behind it; `last`: there will not be more.
    bool feed(std::string_view bytes, bool last);

private:
    enum class verdict : std::uint8_t { more, ended, unknown };
    verdict header(std::string_view bytes, bool last);
    std::size_t line_end(std::string_view bytes) const noexcept;

    const line_rules* rules_ = nullptr;
    encoding as_ = encoding::bytes;
    std::uint64_t position_ = 0;
    bool first_ = true;     // no line of the file was passed yet
    bool in_line_ = false;  // position_ is within a line of the file
    bool ends_ = true;      // with that line
    std::uint8_t stream_ = 0;
};

/// The longest line of a container runtime that long_line::feed() must see at once.
inline constexpr std::size_t longest_container_line = 128 * 1024;

}  // namespace logagent::delivery

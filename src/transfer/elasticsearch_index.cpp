#include "transfer/elasticsearch_index.hpp"

#include <algorithm>

#include "logagent/base/escape.hpp"
#include "transfer/moment.hpp"

namespace logagent::transfer {

namespace {

constexpr std::size_t longest_name = 255;
// Of a service, host or topic.
constexpr std::size_t longest_word = 100;
constexpr std::size_t shortest_word = 20;

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == '+';
}

/// Characters beyond ASCII that have no case: what has would have to be lower case.
bool has_no_case(char32_t code) {
    return (code >= 0x2E80 && code <= 0xA4CF) || (code >= 0xAC00 && code <= 0xD7A3) ||
           (code >= 0x20000 && code <= 0x3FFFF);
}

void append_word(std::string& out, std::string_view word, std::size_t most) {
    const auto begin = out.size();
    if (word.empty()) word = "unknown";
    while (!word.empty()) {
        const auto next = base::first_character(word);
        if (out.size() - begin + next.length > most) return;
        const char first = word.front();
        if (first >= 'A' && first <= 'Z')
            out += static_cast<char>(first - 'A' + 'a');
        else if (is_plain(first))
            out += first;
        else if (next.valid && has_no_case(next.code))
            out += word.substr(0, next.length);
        else
            out += '_';
        word.remove_prefix(next.length);
    }
}

constexpr std::string_view time_letters = "yMdH";

struct time_token {
    std::string_view letters;
    std::uint32_t utc_moment::*part;
};

constexpr time_token time_tokens[] = {
    {"MM", &utc_moment::month}, {"dd", &utc_moment::day}, {"HH", &utc_moment::hour}};

/// Appends what the front of `format` stands for and takes it off; false = it stands for nothing.
bool append_time_token(std::string& out, std::string_view& format, const utc_moment& at) {
    if (format.starts_with("yyyy")) {
        append_padded(out, static_cast<std::uint32_t>(at.year), 4);
        format.remove_prefix(4);
        return true;
    }
    for (const auto& [letters, part] : time_tokens) {
        if (!format.starts_with(letters)) continue;
        append_padded(out, at.*part, 2);
        format.remove_prefix(letters.size());
        return true;
    }
    const char c = format.front();
    if (c != '.' && c != '-' && c != '_') return false;
    out += c;
    format.remove_prefix(1);
    return true;
}

}  // namespace

base::result<index_pattern::part> index_pattern::parse_braces(std::string_view inside) {
    if (inside == "service") return part{kind::service, {}};
    if (inside == "host") return part{kind::host, {}};
    if (inside == "topic") return part{kind::topic, {}};
    std::string ignored;
    for (std::string_view rest = inside; !rest.empty();)
        if (!append_time_token(ignored, rest, {})) {
            inside = {};
            break;
        }
    if (inside.find_first_of(time_letters) == std::string_view::npos)
        return base::problem{"index",
                             "braces hold service, host, topic, or a time of yyyy, MM, dd and HH"};
    return part{kind::time, std::string{inside}};
}

base::result<index_pattern> index_pattern::parse(std::string_view text) {
    index_pattern made;
    std::string_view rest = text;
    if (text.empty() || std::string_view{"-_+."}.find(text.front()) != std::string_view::npos)
        return base::problem{"index", "a name must not be empty or begin with - _ + ."};
    if (text.size() > 120)
        return base::problem{"index", "the pattern is longer than 120 characters"};
    while (!rest.empty()) {
        if (rest.front() == '{') {
            const auto end = rest.find('}');
            if (end == std::string_view::npos) return base::problem{"index", "a '{' has no '}'"};
            auto braces = parse_braces(rest.substr(1, end - 1));
            if (!braces) return braces.error();
            made.parts_.push_back(std::move(*braces));
            rest.remove_prefix(end + 1);
            continue;
        }
        const auto literal = rest.substr(0, rest.find('{'));
        if (!std::all_of(literal.begin(), literal.end(), is_plain))
            return base::problem{
                "index", "'" + base::visible(literal, 60) +
                             "' holds what no index name may: only a-z 0-9 - _ + . are allowed"};
        made.parts_.push_back({kind::literal, std::string{literal}});
        rest.remove_prefix(literal.size());
    }
    if (const auto fits = made.share_out(); !fits) return fits.error();
    return made;
}

/// What the fixed parts leave of a name is shared by the words.
base::result<void> index_pattern::share_out() {
    std::size_t fixed = 0;
    std::size_t words = 0;
    for (const auto& one : parts_) {
        fixed += one.text.size();  // a time is as long as its format
        if (one.what != kind::literal && one.what != kind::time) ++words;
    }
    word_bytes_ = std::min(longest_word, (longest_name - fixed) / std::max<std::size_t>(words, 1));
    if (word_bytes_ < shortest_word)
        return base::problem{"index", std::to_string(words) +
                                          " words in braces do not fit into the 255 bytes of a "
                                          "name; allowed: so many that each has 20"};
    return {};
}

std::string index_pattern::name(const document& of, std::string_view topic) const {
    std::string made;
    for (const auto& [what, text] : parts_) {
        switch (what) {
            case kind::literal:
                made += text;
                break;
            case kind::service:
                append_word(made, of.service, word_bytes_);
                break;
            case kind::host:
                append_word(made, of.host, word_bytes_);
                break;
            case kind::topic:
                append_word(made, topic, word_bytes_);
                break;
            case kind::time: {
                const utc_moment at = utc_of(of.time_ms);
                for (std::string_view format = text; !format.empty();)
                    append_time_token(made, format, at);
                break;
            }
        }
    }
    // A word may have brought what a name must not begin with.
    made.erase(0, std::min(made.find_first_not_of("-_+."), made.size()));
    if (made.size() > longest_name) made.resize(longest_name);
    // In the middle of a character, or nothing is left.
    while (!made.empty() && !base::is_utf8(made))
        made.pop_back();
    return made.empty() ? "unknown" : made;
}

std::string index_pattern::wildcard() const {
    std::string made;
    for (const auto& [what, text] : parts_) {
        if (what == kind::literal)
            made += text;
        else if (!made.ends_with('*'))
            made += '*';
    }
    return made;
}

bool index_pattern::has_host() const noexcept {
    return std::any_of(parts_.begin(), parts_.end(),
                       [](const part& one) { return one.what == kind::host; });
}

const std::string& index_names::of(const document& what, std::string_view topic) {
    constexpr std::int64_t ms_per_hour = 3'600'000;
    const auto hour = what.time_ms / ms_per_hour;
    const bool same = !name_.empty() && what.time_ms >= 0 && hour == hour_ &&
                      what.service == service_ && topic == topic_ &&
                      (what.host == host_ || !pattern_.has_host());
    if (same) return name_;
    name_ = pattern_.name(what, topic);
    hour_ = what.time_ms < 0 ? -1 : hour;
    service_ = what.service;
    host_ = what.host;
    topic_ = topic;
    return name_;
}

std::size_t index_pattern::literal_bytes() const {
    std::size_t sum = 0;
    for (const auto& [what, text] : parts_)
        if (what == kind::literal) sum += text.size();
    return sum;
}

}  // namespace logagent::transfer

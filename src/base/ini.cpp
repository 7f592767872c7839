#include "logagent/base/ini.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "logagent/base/escape.hpp"

namespace logagent::base {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
bool is_comment(char c) {
    return c == '#' || c == ';';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

/// Cuts a comment that a blank stands before.
std::string_view without_comment(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i)
        if (is_comment(text[i]) && i != 0 && is_blank(text[i - 1])) return text.substr(0, i);
    return text;
}

/// Enough of a line to find it, and no more: the rest may be a secret.
std::string beginning(std::string_view line) {
    line = trimmed(line);
    const auto word = line.substr(0, line.find_first_of(" \t="));
    return "'" + visible(word, 40) + (word.size() < line.size() ? " ...'" : "'");
}

bool only_comment(std::string_view text) {
    text = trimmed(text);
    return text.empty() || is_comment(text.front());
}

class ini_reader {
public:
    ini_document read(std::string_view text) {
        if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
        while (!text.empty()) {
            const auto end = std::min(text.find('\n'), text.size());
            ++line_;
            read_line(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        return std::move(document_);
    }

private:
    void complain(std::string text) { document_.errors.push_back({line_, std::move(text)}); }

    void read_line(std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (only_comment(line)) return;
        if (!is_utf8(line)) return complain("not UTF-8: " + beginning(line));
        if (line.find('\0') != line.npos) return complain("holds a NUL byte: " + beginning(line));
        const auto content = trimmed(line);
        if (content.front() == '[') return read_section(content);
        read_pair(content);
    }

    void read_section(std::string_view content) {
        const auto close = content.find(']');
        if (close == content.npos || !only_comment(content.substr(close + 1)))
            return complain("a section is written [name], not " + beginning(content));
        section_ = lower(trimmed(content.substr(1, close - 1)));
        if (section_.empty()) return complain("the section has no name");
        document_.sections.push_back({section_, line_});
    }

    void read_pair(std::string_view content) {
        const auto equals = content.find('=');
        const auto key = lower(trimmed(content.substr(0, std::min(equals, content.size()))));
        if (equals == content.npos || key.empty())
            return complain("expected key = value, not " + beginning(content));
        std::string value;
        // The blank before a comment may be the one after '=', so the value is cut before trimming.
        if (!read_value(key, content.substr(equals + 1), value)) return;
        const auto [first, is_new] = lines_.try_emplace({section_, key}, line_);
        if (!is_new)
            return complain("'" + visible(key, 60) + "' is already set in line " +
                            std::to_string(first->second));
        document_.entries.push_back({section_, key, std::move(value), line_});
    }

    bool read_value(const std::string& key, std::string_view text, std::string& value) {
        if (const auto start = trimmed(text); start.starts_with('"')) {
            const auto close = start.find('"', 1);
            if (close == start.npos) {
                complain("the value of '" + visible(key, 60) + "' has no closing quote");
                return false;
            }
            if (!only_comment(start.substr(close + 1))) {
                complain("the value of '" + visible(key, 60) + "' goes on after its closing quote");
                return false;
            }
            value = start.substr(1, close - 1);
            return true;
        }
        value = trimmed(without_comment(text));
        return true;
    }

    ini_document document_;
    std::map<std::pair<std::string, std::string>, std::size_t> lines_;
    std::string section_;
    std::size_t line_ = 0;
};

}  // namespace

const ini_entry* ini_document::find(std::string_view section, std::string_view key) const {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const ini_entry& entry) {
        return entry.section == section && entry.key == key;
    });
    return found == entries.end() ? nullptr : &*found;
}

ini_document parse_ini(std::string_view text) {
    return ini_reader{}.read(text);
}

}  // namespace logagent::base

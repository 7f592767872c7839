#include "fleet/stored_array.hpp"

#include <boost/json/serialize.hpp>
#include <limits>
#include <optional>
#include <unordered_set>

#include "fleet/target_fields.hpp"
#include "logagent/base/json.hpp"

namespace logagent::fleet {

namespace {

constexpr auto no_json = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t most_bytes = 1'572'864;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Cuts an array into the texts of its elements. Whether those are JSON is for others to say.
class element_cutter {
public:
    explicit element_cutter(std::string_view text) : text_{text} {}

    std::optional<std::vector<std::string_view>> cut() {
        std::vector<std::string_view> out;
        skip_spaces();
        if (!take('[')) return std::nullopt;
        skip_spaces();
        bool closed = take(']');
        while (!closed) {
            const auto begin = at_;
            if (!skip_element()) return std::nullopt;
            out.push_back(text_.substr(begin, at_ - begin));
            skip_spaces();
            closed = take(']');
            if (!closed && !take(',')) return std::nullopt;
            skip_spaces();
        }
        skip_spaces();
        if (at_ != text_.size()) return std::nullopt;
        return out;
    }

private:
    void skip_spaces() {
        while (at_ < text_.size() && is_space(text_[at_]))
            ++at_;
    }

    bool take(char wanted) {
        if (at_ == text_.size() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }

    bool skip_text() {
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\\') {
                ++at_;
            } else if (text_[at_] == '"') {
                ++at_;
                return true;
            }
        }
        return false;
    }

    /// Up to the comma or bracket that ends it.
    bool skip_element() {
        const auto begin = at_;
        for (std::size_t depth = 0; at_ < text_.size();) {
            const char c = text_[at_];
            if (c == '"') {
                if (!skip_text()) return false;
                continue;
            }
            if (depth == 0 && (c == ',' || c == ']' || is_space(c))) return at_ != begin;
            if (c == '{' || c == '[') ++depth;
            if ((c == '}' || c == ']') && depth-- == 0) return false;
            ++at_;
        }
        return false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void read_into(stored_entry& out, const boost::json::value& value) {
    const base::json_field field{value};
    const auto members = field.object();
    if (!members) {
        out.refusal = members.error().text;
        return;
    }
    auto entry = read_entry(field, **members);
    for (const auto& error : entry.errors)
        if (error.refused && out.refusal.empty()) out.refusal = error.pointer + ": " + error.text;
    out.file.target = std::move(entry.target);
    for (const auto& member : **members) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (!base::find_row(target_fields(), name)) out.file.extra[name] = member.value();
    }
    out.canonical = boost::json::serialize(to_json(out.file));
}

stored_array broken(std::string why) {
    stored_array out;
    out.broken = true;
    out.refused.push_back(std::move(why));
    return out;
}

}  // namespace

std::uint32_t stored_arrays::entry_of(std::string_view text) {
    if (const auto known = by_text_.find(text); known != by_text_.end()) return known->second;
    base::json_limits limits;
    limits.collect_faults = true;  // one spoils its entry only, as in parse_logconfig()
    limits.max_depth -= 1;         // for the array around it
    base::json_parser parser{limits};
    parser.feed(text);
    const auto document = parser.finish();
    if (!document) return no_json;
    stored_entry out;
    if (const auto& faults = parser.faults(); !faults.empty())
        out.refusal = faults.front().pointer + ": " + faults.front().text;
    else
        read_into(out, *document);
    const auto& target = out.file.target;
    const auto next = static_cast<std::uint32_t>(identities_.size());
    out.identity = identities_.try_emplace({target.log_path, target.topic}, next).first->second;
    const auto index = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(std::move(out));
    by_text_.emplace(text, index);
    return index;
}

stored_array stored_arrays::read(std::string_view value) {
    if (value.size() > most_bytes) return broken("the document is larger than 1572864 bytes");
    const auto elements = element_cutter{value}.cut();
    if (!elements) return broken("the value is no JSON array of entries");
    stored_array out;
    std::unordered_set<std::uint32_t> seen;
    std::vector<std::uint32_t> indexes;
    for (const auto text : *elements) {
        indexes.push_back(entry_of(text));
        if (indexes.back() == no_json)
            return broken("element " + std::to_string(indexes.size() - 1) + " is no valid JSON");
    }
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        const auto& entry = entries_[indexes[i]];
        const auto place = "/" + std::to_string(i);
        if (i >= most_targets) {
            out.refused.push_back(place + ": at most 200 entries; those after are refused");
            break;
        }
        if (!entry.refusal.empty())
            out.refused.push_back(place + entry.refusal);
        else if (!seen.insert(entry.identity).second)
            out.refused.push_back(place + ": the same log_path and topic twice");
        else
            out.entries.push_back(indexes[i]);
    }
    return out;
}

}  // namespace logagent::fleet

#include "transfer/line_fields.hpp"

#include <re2/re2.h>
#include <algorithm>
#include <map>
#include <vector>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/pattern.hpp"

namespace logagent::transfer {

namespace {

class access_log_fields : public line_fields {
public:
    bool append(std::string& out, std::string_view line) const override {
        return append_access_log_fields(out, line);
    }
};

/// The line itself, if it is an object that every reader understands alike.
class json_fields : public line_fields {
public:
    bool append(std::string& out, std::string_view line) const override {
        if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return false;
        const auto parsed = base::parse_json(line, limits);
        if (!parsed || !parsed->is_object()) return false;
        const auto begin = out.size();
        out += line;
        // In valid JSON these stand between values only, and a document is one line.
        std::replace_if(
            out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
            [](char c) { return c == '\n' || c == '\r'; }, ' ');
        return true;
    }

private:
    // Elasticsearch takes 20 levels in a field of this kind.
    static constexpr base::json_limits limits{.max_bytes = 16 << 20, .max_depth = 20};
};

/// The groups of a pattern that have names.
class pattern_fields : public line_fields {
public:
    explicit pattern_fields(std::shared_ptr<const re2::RE2> pattern)
        : pattern_{std::move(pattern)} {
        for (const auto& [name, group] : pattern_->NamedCapturingGroups())
            names_.emplace(group, name);
    }

    bool append(std::string& out, std::string_view line) const override {
        std::vector<re2::StringPiece> groups(
            static_cast<std::size_t>(names_.empty() ? 1 : names_.rbegin()->first + 1));
        const re2::StringPiece text{line.data(), line.size()};
        if (!pattern_->Match(text, 0, line.size(), re2::RE2::UNANCHORED, groups.data(),
                             static_cast<int>(groups.size())))
            return false;
        char before = '{';
        for (const auto& [group, name] : names_) {
            const auto& found = groups[static_cast<std::size_t>(group)];
            if (found.data() == nullptr) continue;  // it took no part in the match
            out += before;
            before = ',';
            base::append_json_string(out, name);
            out += ':';
            base::append_json_string(out, {found.data(), found.size()});
        }
        out += before == '{' ? "{}" : "}";
        return true;
    }

private:
    std::shared_ptr<const re2::RE2> pattern_;
    std::map<int, std::string> names_;  // by group
};

}  // namespace

base::result<std::unique_ptr<line_fields>> create_line_fields(std::string_view parse) {
    using made = std::unique_ptr<line_fields>;
    constexpr std::string_view pattern = "re2:";
    if (parse.empty()) return made{};
    if (parse == "nginx") return made{std::make_unique<access_log_fields>()};
    if (parse == "json") return made{std::make_unique<json_fields>()};
    if (!parse.starts_with(pattern))
        return base::problem{
            "parse", "'" + base::visible(parse, 60) + "' is not known; nginx, json or re2:PATTERN"};
    auto compiled = fleet::compile_pattern(parse.substr(pattern.size()));
    if (!compiled) return compiled.error();
    if ((*compiled)->NamedCapturingGroups().empty())
        return base::problem{"parse",
                             "the pattern has no named group; (?P<name>...) makes a field 'name'"};
    return made{std::make_unique<pattern_fields>(std::move(*compiled))};
}

}  // namespace logagent::transfer

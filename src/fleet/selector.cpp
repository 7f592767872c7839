#include "logagent/fleet/selector.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "logagent/base/escape.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/fleet/address.hpp"
#include "logagent/fleet/pattern.hpp"

namespace logagent::fleet {

namespace {

constexpr std::size_t longest_selector = 4096;
constexpr std::size_t most_terms = 64;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_label_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
}

class term_reader {
public:
    explicit term_reader(std::string_view text) : text_{text} {}

    base::result<std::vector<selector::term>> read() {
        std::vector<selector::term> out;
        skip_blanks();
        while (at_ < text_.size()) {
            if (out.size() == most_terms) return wrong("more than 64 terms");
            auto term = read_term();
            if (!term) return term.error();
            out.push_back(std::move(*term));
            if (at_ == text_.size()) break;
            ++at_;  // the comma
            skip_blanks();
            if (at_ == text_.size()) return wrong("a term is missing after the last comma");
        }
        return out;
    }

private:
    base::problem wrong(const std::string& why) const {
        return {"selector", "at byte " + std::to_string(at_) + ": " + why +
                                "; as in env=prod,idc!=bj," +
                                "host=~web-.*, a value with a comma in double quotes"};
    }

    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_]))
            ++at_;
    }

    bool take(std::string_view expected) {
        if (!text_.substr(at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }

    base::result<selector::term> read_term() {
        selector::term out;
        const auto begin = at_;
        while (at_ < text_.size() && is_label_character(text_[at_]))
            ++at_;
        out.label = text_.substr(begin, at_ - begin);
        if (out.label.empty()) return wrong("a label is expected");
        skip_blanks();
        bool is_pattern = true;
        if (take("!~")) {
            out.negated = true;
        } else if (!take("=~")) {
            is_pattern = false;
            if (take("!="))
                out.negated = true;
            else if (!take("="))
                return wrong("=, !=, =~ or !~ is expected");
        }
        const auto value_at = at_;
        if (auto problem = read_value(out.value); !problem.code.empty()) return problem;
        if (is_pattern) {
            auto compiled = compile_pattern(out.value);
            if (!compiled) {
                at_ = value_at;
                return wrong(compiled.error().text);
            }
            out.pattern = std::move(*compiled);
        } else if (out.label == "ip") {
            if (const auto address = parse_address(out.value)) out.value = to_text(*address);
        }
        return out;
    }

    base::problem read_value(std::string& out) {
        skip_blanks();
        if (at_ < text_.size() && text_[at_] == '"') return read_quoted(out);
        const auto end = std::min(text_.find(',', at_), text_.size());
        auto value = text_.substr(at_, end - at_);
        while (!value.empty() && is_blank(value.back()))
            value.remove_suffix(1);
        if (value.find('"') != value.npos) return wrong("a quote inside a value without quotes");
        out = value;
        at_ = end;
        return {};
    }

    base::problem read_quoted(std::string& out) {
        ++at_;
        for (;;) {
            const auto quote = text_.find('"', at_);
            if (quote == text_.npos) return wrong("the closing quote is missing");
            out += text_.substr(at_, quote - at_);
            at_ = quote + 1;
            if (at_ == text_.size() || text_[at_] != '"') break;
            out += '"';
            ++at_;
        }
        skip_blanks();
        if (at_ < text_.size() && text_[at_] != ',') return wrong("a comma is expected");
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void add_error(std::vector<entry_error>& errors, std::string pointer, base::problem problem) {
    errors.push_back({std::move(pointer), std::move(problem.code), std::move(problem.text)});
}

}  // namespace

bool selector::term::fits(std::string_view text) const {
    if (!pattern) return text == value;
    return re2::RE2::FullMatch(re2::StringPiece{text.data(), text.size()}, *pattern);
}

bool selector::term::matches(const host& one) const {
    bool found;
    if (label == "host") {
        found = fits(one.name);
    } else if (label == "ip") {
        found = one.ips.empty() ? fits("")
                                : std::any_of(one.ips.begin(), one.ips.end(),
                                              [&](const auto& ip) { return fits(ip); });
    } else {
        const auto known = one.labels.find(label);
        found = fits(known == one.labels.end() ? std::string_view{} : known->second);
    }
    return found != negated;
}

base::result<selector> selector::parse(std::string_view text) {
    if (text.size() > longest_selector) return base::problem{"selector", "longer than 4096 bytes"};
    if (!base::is_utf8(text)) return base::problem{"selector", "is not valid UTF-8"};
    auto terms = term_reader{text}.read();
    if (!terms) return terms.error();
    selector out;
    out.terms_ = std::move(*terms);
    return out;
}

bool selector::matches(const host& one) const {
    return !terms_.empty() && std::all_of(terms_.begin(), terms_.end(),
                                          [&](const term& each) { return each.matches(one); });
}

std::vector<entry_error> check_selection(const host_selection& selection,
                                         const std::string& pointer) {
    std::vector<entry_error> out;
    const auto below = [&](std::string_view name, std::size_t index) {
        auto at = pointer;
        base::append_pointer(at, name);
        base::append_pointer(at, index);
        return at;
    };
    for (std::size_t i = 0; i < selection.list.size(); ++i)
        if (auto problem = base::glob_problem(selection.list[i]))
            add_error(out, below("list", i), {"glob", std::move(*problem)});
    for (std::size_t i = 0; i < selection.cidr.size(); ++i)
        if (auto network = parse_network(selection.cidr[i]); !network)
            add_error(out, below("cidr", i), network.error());
    if (auto parsed = selector::parse(selection.selector); !parsed) {
        auto at = pointer;
        base::append_pointer(at, "selector");
        add_error(out, std::move(at), parsed.error());
    }
    return out;
}

bool selects(const host_selection& selection, const host& one) {
    for (const auto& wanted : selection.list) {
        if (base::is_glob(wanted)) {
            if (base::glob_matches(wanted, one.name)) return true;
            continue;
        }
        if (wanted == one.name) return true;
        const auto address = parse_address(wanted);
        if (address &&
            std::find(one.ips.begin(), one.ips.end(), to_text(*address)) != one.ips.end())
            return true;
    }
    for (const auto& text : selection.cidr) {
        const auto network = parse_network(text);
        if (network && std::any_of(one.ips.begin(), one.ips.end(), [&](const auto& ip) {
                const auto address = parse_address(ip);
                return address && network->contains(*address);
            }))
            return true;
    }
    const auto parsed = selector::parse(selection.selector);
    return parsed && parsed->matches(one);
}

}  // namespace logagent::fleet

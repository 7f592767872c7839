#include <re2/re2.h>

#include "logagent/delivery/record_builder.hpp"

namespace logagent::delivery {

struct line_filter::patterns {
    struct mask {
        std::unique_ptr<re2::RE2> match;
        std::string with;
    };
    std::vector<std::unique_ptr<re2::RE2>> keep;
    std::vector<std::unique_ptr<re2::RE2>> drop;
    std::vector<mask> masks;
};

namespace {

std::unique_ptr<re2::RE2> compile(const std::string& pattern) {
    // Latin1 matches bytes as they are: a line need not be UTF-8.
    re2::RE2::Options options{re2::RE2::Latin1};
    options.set_log_errors(false);
    return std::make_unique<re2::RE2>(pattern, options);
}

bool any_matches(const std::vector<std::unique_ptr<re2::RE2>>& list, std::string_view line) {
    const re2::StringPiece text{line.data(), line.size()};
    for (const auto& pattern : list)
        if (re2::RE2::PartialMatch(text, *pattern)) return true;
    return false;
}

}  // namespace

line_filter::line_filter(const fleet::log_target& target) {
    if (target.keep.empty() && target.drop.empty() && target.mask.empty()) return;
    patterns_ = std::make_unique<patterns>();
    for (const auto& pattern : target.keep)
        patterns_->keep.push_back(compile(pattern));
    for (const auto& pattern : target.drop)
        patterns_->drop.push_back(compile(pattern));
    for (const auto& rule : target.mask)
        patterns_->masks.push_back({compile(rule.match), rule.with});
}

line_filter::~line_filter() = default;
line_filter::line_filter(line_filter&&) noexcept = default;
line_filter& line_filter::operator=(line_filter&&) noexcept = default;

bool line_filter::masks() const noexcept {
    return patterns_ && !patterns_->masks.empty();
}

bool line_filter::passes(std::string_view line) const {
    if (!patterns_) return true;
    if (!patterns_->keep.empty() && !any_matches(patterns_->keep, line)) return false;
    return !any_matches(patterns_->drop, line);
}

std::string_view line_filter::masked(std::string_view line, std::string& scratch) const {
    if (!masks()) return line;
    scratch.assign(line);
    for (const auto& rule : patterns_->masks)
        re2::RE2::GlobalReplace(&scratch, *rule.match, rule.with);
    return scratch;
}

}  // namespace logagent::delivery

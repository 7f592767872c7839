#include <re2/re2.h>

#include "logagent/delivery/framing.hpp"

namespace logagent::delivery {

struct line_rules::pattern {
    explicit pattern(const std::string& text, const re2::RE2::Options& options)
        : start{text, options} {}
    re2::RE2 start;
};

line_rules::line_rules(const fleet::log_target& target) : decode_{target.decode} {
    if (!target.multiline) return;
    // Latin1 matches bytes as they are: a line need not be UTF-8.
    re2::RE2::Options options{re2::RE2::Latin1};
    options.set_log_errors(false);
    start_ = std::make_unique<pattern>(target.multiline->start, options);
    most_lines_ = target.multiline->max_lines;
    timeout_ms_ = target.multiline->timeout_ms;
}

line_rules::~line_rules() = default;
line_rules::line_rules(line_rules&&) noexcept = default;
line_rules& line_rules::operator=(line_rules&&) noexcept = default;

bool line_rules::begins_group(std::string_view line) const {
    return re2::RE2::PartialMatch(re2::StringPiece{line.data(), line.size()}, start_->start);
}

}  // namespace logagent::delivery

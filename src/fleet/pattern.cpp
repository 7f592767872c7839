#include "logagent/fleet/pattern.hpp"

#include <re2/re2.h>

#include <string>

namespace logagent::fleet {

namespace {

constexpr std::int64_t most_memory = 1 << 20;
constexpr std::size_t longest = 4096;

re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

base::result<std::shared_ptr<const re2::RE2>> compile_pattern(std::string_view pattern) {
    if (pattern.empty()) return base::problem{"pattern", "the pattern is empty"};
    if (pattern.size() > longest)
        return base::problem{"pattern", "the pattern is longer than 4096 bytes"};
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(most_memory);
    auto compiled = std::make_shared<const re2::RE2>(piece(pattern), options);
    if (!compiled->ok())
        return base::problem{"pattern", "not an RE2 pattern: " + compiled->error()};
    return compiled;
}

std::string replacement_problem(const re2::RE2& pattern, std::string_view with) {
    std::string problem;
    if (!pattern.CheckRewriteString(piece(with), &problem)) return problem;
    return {};
}

}  // namespace logagent::fleet

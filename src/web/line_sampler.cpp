#include "line_sampler.hpp"

#include <algorithm>

namespace logagent::web {

line_sampler::line_sampler(limits chosen, std::uint64_t seed, clock::time_point now)
    : limits_{chosen},
      random_{static_cast<std::minstd_rand::result_type>(seed % 2147483647u)},
      tokens_{static_cast<double>(chosen.lines_per_s)},
      filled_at_{now},
      room_{chosen.lines_per_s} {}

std::optional<std::size_t> line_sampler::next() {
    ++offered_;
    ++since_;
    const bool full = kept_.size() >= room_ || bytes_ >= limits_.most_bytes;
    if (!full) return kept_.size();
    if (kept_.empty()) return std::nullopt;
    // Each of the lines so far stays with the same chance.
    std::uniform_int_distribution<std::uint64_t> draw{0, since_ - 1};
    const auto place = draw(random_);
    if (place >= kept_.size()) return std::nullopt;
    return static_cast<std::size_t>(place);
}

void line_sampler::put(std::size_t place, std::string text) {
    if (place >= kept_.size()) {
        kept_.emplace_back();
        place = kept_.size() - 1;
    }
    bytes_ -= kept_[place].text.size();
    bytes_ += text.size();
    kept_[place] = {offered_, std::move(text)};
}

std::vector<std::string> line_sampler::take(clock::time_point now) {
    std::ranges::sort(kept_, {}, &line::number);
    std::vector<std::string> out;
    out.reserve(kept_.size());
    for (auto& one : kept_)
        out.push_back(std::move(one.text));
    const auto most = static_cast<double>(limits_.lines_per_s);
    tokens_ += std::chrono::duration<double>(now - filled_at_).count() * most;
    tokens_ = std::min(tokens_ - static_cast<double>(out.size()), most);
    filled_at_ = now;
    room_ = static_cast<std::size_t>(std::max(tokens_, 1.0));
    shown_ += out.size();
    kept_.clear();
    bytes_ = 0;
    since_ = 0;
    return out;
}

}  // namespace logagent::web

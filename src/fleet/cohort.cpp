#include "logagent/fleet/cohort.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdint>

namespace logagent::fleet {

namespace {

/// Evenly spread over 32 bits. A NUL stands in neither name, so no two pairs are one text.
std::uint64_t number_of(std::string_view host, std::string_view rollout) {
    std::string both{host};
    both += '\0';
    both += rollout;
    return XXH3_64bits(both.data(), both.size()) >> 32;
}

}  // namespace

bool cohort::contains(std::string_view host) const {
    if (!first_host.empty() && host == first_host) return true;
    return number_of(host, rollout) * 100 < std::uint64_t{percent} << 32;
}

std::string choose_first(std::span<const std::string> hosts, std::string_view rollout) {
    const auto before = [&](const std::string& a, const std::string& b) {
        return std::pair{number_of(a, rollout), a} < std::pair{number_of(b, rollout), b};
    };
    const auto found = std::min_element(hosts.begin(), hosts.end(), before);
    return found == hosts.end() ? std::string{} : *found;
}

std::vector<rollout_stage> stages_of(std::span<const std::string> hosts, const cohort& begin) {
    std::vector<rollout_stage> out;
    auto reached = begin;
    for (const auto percent : stage_percents) {
        reached.percent = percent;
        const auto count = static_cast<std::size_t>(
            std::count_if(hosts.begin(), hosts.end(),
                          [&](const std::string& host) { return reached.contains(host); }));
        const auto before = out.empty() ? 0 : out.back().hosts;
        if (count > before) out.push_back({percent, count});
    }
    return out;
}

}  // namespace logagent::fleet

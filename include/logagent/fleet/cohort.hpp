#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::fleet {

/// The hosts that a rollout has reached: one by name, and every host whose number in the rollout
/// lies below a percentage.
///
/// A host's number depends on its name and the rollout alone, so a higher percentage only adds
/// hosts, hosts that come later find their place, and two rollouts do not always begin with the
/// same hosts.
struct cohort {
    std::string rollout;
    std::string first_host;  // chosen once and kept with the rollout; "" = none
    unsigned percent = 0;    // 0 to 100

    bool contains(std::string_view host) const;
    bool operator==(const cohort&) const = default;
};

/// Who should be `first_host`: the host with the lowest number, the first that a percentage
/// reaches. "" if there are no hosts.
std::string choose_first(std::span<const std::string> hosts, std::string_view rollout);

/// One step of a rollout, and how many hosts it adds.
struct rollout_stage {
    unsigned percent = 0;   // 0 = only the first host
    std::size_t hosts = 0;  // reached by then, those of the stages before included
    bool operator==(const rollout_stage&) const = default;
};

inline constexpr std::array<unsigned, 4> stage_percents{0, 5, 25, 100};

/// The first host, 5 %, 25 %, 100 %, without the stages that would add nobody.
std::vector<rollout_stage> stages_of(std::span<const std::string> hosts, const cohort& begin);

}  // namespace logagent::fleet

#include "logagent/fleet/rollout.hpp"

#include <algorithm>

namespace logagent::fleet {

namespace {

/// Hosts of one side, and those of them that suffer in one way since the stage began.
struct share {
    std::size_t hosts = 0;
    std::vector<std::string_view> suffering;

    /// Whether this share is at least half as large as the other one.
    bool half_of(const share& other) const {
        return !suffering.empty() &&
               2 * suffering.size() * other.hosts >= other.suffering.size() * hosts;
    }
};

struct comparison {
    share inside;
    share outside;
};

std::string count_of(std::size_t count, std::string_view what) {
    return std::to_string(count) + (count == 1 ? " host " : " hosts ") + std::string{what};
}

rollout_reason reason_for(std::string code, std::string detail,
                          std::span<const std::string_view> hosts) {
    rollout_reason out;
    out.code = std::move(code);
    out.detail = std::move(detail);
    for (const auto host : hosts.first(std::min(hosts.size(), rollout_reason::most_named)))
        out.hosts.emplace_back(host);
    return out;
}

class judgement {
public:
    judgement(const rollout& one, std::span<const rollout_host> hosts, std::int64_t now_ms)
        : one_{one}, hosts_{hosts}, now_ms_{now_ms}, reached_{one.reached()} {}

    rollout_decision make() {
        look();
        if (auto stop = judge(failed_, "failed", 0)) return *std::move(stop);
        if (auto stop = judge(lost_, "heartbeat", tolerated_percent)) return *std::move(stop);
        if (auto stop = judge(lagging_, "lag", tolerated_percent)) return *std::move(stop);
        return go_on();
    }

private:
    host_before before(const rollout_host& host) const {
        const auto found = one_.before.find(host.name);
        return found == one_.before.end() ? host_before{} : found->second;
    }

    void look() {
        for (const auto& host : hosts_) {
            const bool inside = reached_.contains(host.name);
            const auto then = before(host);
            if (!host.seen && !host.live) continue;
            note(failed_, host, inside, !host.failed.empty() && !then.failed);
            note(lost_, host, inside, !host.live && then.live);
            const bool behind = host.lag_bytes && *host.lag_bytes > then.lag_bytes &&
                                *host.lag_bytes - then.lag_bytes > tolerated_lag;
            note(lagging_, host, inside, behind);
            if (!inside) continue;
            ++reached_hosts_;
            if (!host.live) continue;
            ++live_;
            if (first_failure_.empty() && !then.failed) first_failure_ = host.failed;
            // One that has refused before, and still does, will not answer otherwise.
            if (!host.applied && !(then.failed && !host.failed.empty()))
                waiting_.push_back(host.name);
        }
    }

    static void note(comparison& of, const rollout_host& host, bool inside, bool suffers) {
        auto& side = inside ? of.inside : of.outside;
        ++side.hosts;
        if (suffers) side.suffering.push_back(host.name);
    }

    std::optional<rollout_decision> judge(const comparison& of, const std::string& code,
                                          std::size_t tolerated) {
        const auto count = of.inside.suffering.size();
        if (count == 0 || count * 100 <= tolerated * of.inside.hosts) return std::nullopt;
        rollout_decision out;
        const auto detail = text_for(code, count);
        if (of.outside.half_of(of.inside)) {
            out.move = rollout_move::pause;
            out.why =
                reason_for("fleet",
                           detail + ", and so do " + std::to_string(of.outside.suffering.size()) +
                               " that are not in the rollout: this change is not the likely "
                               "cause",
                           of.inside.suffering);
        } else {
            out.move = rollout_move::abort;
            out.why = reason_for(code, detail, of.inside.suffering);
        }
        return out;
    }

    std::string text_for(const std::string& code, std::size_t count) const {
        if (code == "failed")
            return count_of(count, "cannot apply it") +
                   (first_failure_.empty() ? std::string{} : ": " + first_failure_);
        if (code == "heartbeat") return count_of(count, "went silent since the stage began");
        return count_of(count, "fell behind by more than 64 MiB since the stage began");
    }

    rollout_decision go_on() {
        rollout_decision out;
        const bool answered = waiting_.empty() && (live_ > 0 || reached_hosts_ == 0);
        if (!answered) {
            if (now_ms_ - one_.began_ms < one_.patience_s * 1000) return out;
            out.move = rollout_move::pause;
            out.why =
                reason_for("silent",
                           waiting_.empty() ? "no host of this stage is there to answer"
                                            : count_of(waiting_.size(), "did not answer within ") +
                                                  std::to_string(one_.patience_s) + " s",
                           waiting_);
            return out;
        }
        if (one_.settled_ms == 0) {
            out.move = rollout_move::settle;
            return out;
        }
        if (now_ms_ - one_.settled_ms < one_.bake_s * 1000) return out;
        if (one_.last_stage())
            out.move = rollout_move::finish;
        else if (one_.automatic)
            out.move = rollout_move::advance;
        return out;
    }

    const rollout& one_;
    std::span<const rollout_host> hosts_;
    std::int64_t now_ms_;
    cohort reached_;
    comparison failed_;
    comparison lost_;
    comparison lagging_;
    std::string first_failure_;
    std::vector<std::string_view> waiting_;
    std::size_t reached_hosts_ = 0;
    std::size_t live_ = 0;
};

}  // namespace

std::string_view name_of(rollout_state state) {
    switch (state) {
        case rollout_state::running:
            return "running";
        case rollout_state::paused:
            return "paused";
        case rollout_state::done:
            return "done";
        case rollout_state::aborted:
            break;
    }
    return "aborted";
}

std::size_t rollout::stage_of(std::string_view host) const {
    auto so_far = reached();
    for (std::size_t i = 0; i + 1 < stages.size(); ++i) {
        so_far.percent = stages[i].percent;
        if (so_far.contains(host)) return i;
    }
    return stages.empty() ? 0 : stages.size() - 1;
}

std::vector<rollout_stage_state> plan_stages(std::span<const std::string> hosts,
                                             std::span<const unsigned> percents,
                                             const cohort& begin) {
    std::vector<rollout_stage_state> out;
    auto reached = begin;
    for (const auto percent : percents) {
        reached.percent = percent;
        rollout_stage_state next;
        next.percent = percent;
        next.hosts = static_cast<std::size_t>(
            std::count_if(hosts.begin(), hosts.end(),
                          [&](const std::string& host) { return reached.contains(host); }));
        const auto before = out.empty() ? 0 : out.back().hosts;
        if (next.hosts > before) out.push_back(next);
    }
    // The last one also takes in whoever comes later.
    if (out.empty()) out.push_back({100, 0, 0, 0});
    out.back().percent = 100;
    return out;
}

std::map<std::string, host_before, std::less<>> note_before(std::span<const rollout_host> hosts) {
    // A little lag is nothing to remember for thousands of hosts.
    constexpr std::uint64_t least_lag = 1 << 20;
    std::map<std::string, host_before, std::less<>> out;
    for (const auto& host : hosts) {
        host_before now;
        now.live = host.live;
        now.failed = !host.failed.empty();
        if (host.lag_bytes && *host.lag_bytes >= least_lag) now.lag_bytes = *host.lag_bytes;
        if (now != host_before{}) out.emplace(host.name, now);
    }
    return out;
}

rollout_decision decide(const rollout& one, std::span<const rollout_host> hosts,
                        std::int64_t now_ms) {
    if (one.state != rollout_state::running) return {};
    return judgement{one, hosts, now_ms}.make();
}

}  // namespace logagent::fleet

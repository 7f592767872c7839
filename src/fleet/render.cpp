#include "logagent/fleet/render.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <limits>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

namespace logagent::fleet {

namespace {

using positions = std::vector<std::uint32_t>;

struct placed_entry {
    rendered_entry entry;
    const positions* hosts;
};

bool entry_before(const placed_entry& a, const placed_entry& b) {
    return std::tie(a.entry.target.log_path, a.entry.target.topic, a.entry.document) <
           std::tie(b.entry.target.log_path, b.entry.target.topic, b.entry.document);
}

rendered_entry make_entry(const service& from, const service_file& file) {
    rendered_entry out;
    out.document = from.name;
    out.target = file.target;
    out.text = boost::json::serialize(to_json(file));
    if (!file.extra.empty()) out.canonical = boost::json::serialize(to_json(file.target));
    return out;
}

}  // namespace

/// One step is a service, an entry with its hosts, or a host; the steps come stage after stage.
class rendering_slices::worker {
public:
    worker(std::span<const service_state> services, host_index& index)
        : services_{services}, index_{index} {
        const auto hosts = index.hosts();
        out_.hosts.resize(hosts.size());
        for (std::uint32_t i = 0; i < hosts.size(); ++i) {
            out_.hosts[i].position = i;
            out_.hosts[i].name = hosts[i].name;
            out_.hosts[i].address = hosts[i].primary_ip;
        }
    }

    bool advance(std::size_t work) {
        while (work > 0 && stage_ != stage::done)
            work -= std::min(work, step());
        return stage_ != stage::done;
    }

    rendering take() { return std::move(out_); }

private:
    enum class stage { placing, distributing, addresses, conflicts, limits, counting, done };

    // Of one service beside its hosts: selectors are looked up, files are written as JSON.
    static constexpr std::size_t cost_of_service = 500;

    /// Does one thing and returns what it was in work.
    std::size_t step() {
        switch (stage_) {
            case stage::placing:
                if (next_ == services_.size()) return sort_entries();
                return cost_of_service + place(services_[next_++]);
            case stage::distributing:
                if (next_ == placed_.size()) return turn_to(stage::addresses);
                return distribute(placed_[next_++]);
            case stage::addresses:
                if (next_ == out_.hosts.size()) return tell_addressless();
                return settle_address_of(out_.hosts[next_++]);
            case stage::conflicts:
                if (next_ == out_.hosts.size()) return turn_to(stage::limits);
                return find_conflicts(out_.hosts[next_++]);
            case stage::limits:
                if (next_ == out_.hosts.size()) return turn_to(stage::counting);
                return find_limit(out_.hosts[next_++]);
            case stage::counting:
                if (next_ == out_.hosts.size()) return end();
                return count_uses(out_.hosts[next_++]);
            case stage::done:
                break;
        }
        return 0;
    }

    std::size_t turn_to(stage next) {
        stage_ = next;
        next_ = 0;
        return 1;
    }

    std::size_t place(const service_state& state) {
        if (!state.rollout) return place(state.current, nullptr, false);
        const auto cost = place(state.current, &state.rollout->reached, false);
        return cost + place(state.rollout->next, &state.rollout->reached, true);
    }

    /// `inside`: for the hosts of the cohort, else for the others. Returns how many those are.
    std::size_t place(const service& from, const cohort* reached, bool inside) {
        if (!from.enabled || from.files.empty()) return 0;
        auto selected = index_.select(from.hosts);
        if (!selected) {
            out_.errors.push_back(
                {selected.error().code,
                 "service '" + from.name + "' selects no host: " + selected.error().text,
                 {from.name},
                 {}});
            return 0;
        }
        if (reached)
            std::erase_if(*selected, [&](std::uint32_t position) {
                return reached->contains(out_.hosts[position].name) != inside;
            });
        if (selected->empty()) return 0;
        const auto count = selected->size();
        selections_.push_back(std::make_unique<positions>(std::move(*selected)));
        for (const auto& file : from.files)
            placed_.push_back({make_entry(from, file), selections_.back().get()});
        return count;
    }

    /// Entries go to hosts in their order, so that no host has to be sorted.
    std::size_t sort_entries() {
        std::stable_sort(placed_.begin(), placed_.end(), entry_before);
        return placed_.size() * 10 + turn_to(stage::distributing);
    }

    std::size_t distribute(placed_entry& placed) {
        auto& [entry, hosts] = placed;
        if (!out_.entries.empty()) {
            const auto& last = out_.entries.back();
            const bool same = last.target.log_path == entry.target.log_path &&
                              last.target.topic == entry.target.topic;
            entry.identity = last.identity + (same ? 0 : 1);
        }
        const auto index = static_cast<std::uint32_t>(out_.entries.size());
        out_.entries.push_back(std::move(entry));
        for (const auto position : *hosts)
            out_.hosts[position].entries.push_back(index);
        return 1 + hosts->size();
    }

    std::size_t settle_address_of(rendered_host& one) {
        if (!one.address.empty()) {
            settle_address(one);
        } else if (!one.entries.empty()) {
            addressless_.hosts.push_back(one.name);
            one.blocked = true;
        }
        return 4;
    }

    std::size_t tell_addressless() {
        if (!addressless_.hosts.empty()) out_.errors.push_back(std::move(addressless_));
        return turn_to(stage::conflicts);
    }

    /// Another agent that has this address would read the key, too.
    void settle_address(rendered_host& one) {
        const auto claims = index_.with_address(one.address);
        if (claims.size() < 2) return;
        const auto hosts = index_.hosts();
        for (const auto other : claims) {
            if (other == one.position) continue;
            const auto& rival = hosts[other];
            if (rival.live && !hosts[one.position].live) return supersede(one, rival);
            if (hosts[one.position].live && !rival.live) continue;
            const bool both_primary = rival.primary_ip == one.address;
            if (!rival.live && !both_primary) continue;
            one.blocked = true;
            // Told once where it is the primary address of both.
            if (!both_primary || one.position < other) tell_claim(one, rival);
        }
    }

    void tell_claim(const rendered_host& one, const host& rival) {
        out_.errors.push_back({"address",
                               "hosts '" + one.name + "' and '" + rival.name + "' both have " +
                                   one.address + ": each would read the other's configuration",
                               {},
                               {one.name, rival.name}});
    }

    void supersede(rendered_host& one, const host& by) {
        out_.warnings.push_back({"superseded",
                                 "host '" + one.name + "' is not live and its address " +
                                     one.address + " is now that of '" + by.name + "'",
                                 {},
                                 {one.name, by.name}});
        one.address.clear();
        one.entries.clear();
        superseded_.push_back(one.position);
    }

    std::size_t find_conflicts(rendered_host& one) {
        for (std::size_t i = 1; i < one.entries.size(); ++i) {
            const auto first = one.entries[i - 1];
            const auto second = one.entries[i];
            if (out_.entries[first].identity != out_.entries[second].identity) continue;
            one.blocked = true;
            const auto [at, is_new] = conflicts_.try_emplace({first, second}, out_.errors.size());
            if (is_new) tell_conflict(out_.entries[first], out_.entries[second]);
            out_.errors[at->second].hosts.push_back(one.name);
        }
        return 1 + one.entries.size();
    }

    void tell_conflict(const rendered_entry& first, const rendered_entry& second) {
        out_.errors.push_back({"conflict",
                               "services '" + first.document + "' and '" + second.document +
                                   "' both collect " + first.target.log_path + " into topic " +
                                   first.target.topic + " on the same hosts",
                               {first.document, second.document},
                               {}});
    }

    std::size_t find_limit(rendered_host& one) {
        if (one.entries.size() <= most_targets) return 1;
        one.blocked = true;
        render_problem problem{"limit",
                               "host '" + one.name + "' would have " +
                                   std::to_string(one.entries.size()) +
                                   " entries; allowed: at most 200",
                               {},
                               {one.name}};
        for (const auto index : one.entries)
            problem.services.push_back(out_.entries[index].document);
        std::sort(problem.services.begin(), problem.services.end());
        problem.services.erase(std::unique(problem.services.begin(), problem.services.end()),
                               problem.services.end());
        out_.errors.push_back(std::move(problem));
        return 10 * one.entries.size();
    }

    std::size_t count_uses(const rendered_host& one) {
        uses_.resize(out_.entries.size());
        if (!one.blocked)
            for (const auto index : one.entries)
                ++uses_[index];
        return 1 + one.entries.size();
    }

    std::size_t end() {
        sum_rates();
        drop_superseded();
        return turn_to(stage::done);
    }

    void sum_rates() {
        std::map<std::string_view, topic_rate> topics;
        for (std::size_t i = 0; i < uses_.size(); ++i) {
            const auto& target = out_.entries[i].target;
            if (uses_[i] == 0) continue;
            auto& sum = topics[target.topic];
            sum.topic = target.topic;
            sum.entries += uses_[i];
            sum.lines_per_s += uses_[i] * target.send_rate;
            sum.bytes_per_s += uses_[i] * target.send_rate_bytes;
            if (target.send_rate == 0) sum.unlimited_lines += uses_[i];
            if (target.send_rate_bytes == 0) sum.unlimited_bytes += uses_[i];
            if (target.is_glob()) sum.globs += uses_[i];
        }
        for (auto& [topic, sum] : topics)
            out_.topics.push_back(std::move(sum));
    }

    void drop_superseded() {
        std::erase_if(out_.hosts, [&](const rendered_host& one) {
            return std::binary_search(superseded_.begin(), superseded_.end(), one.position);
        });
    }

    std::span<const service_state> services_;
    host_index& index_;
    stage stage_ = stage::placing;
    std::size_t next_ = 0;  // of what the stage goes through
    rendering out_;
    std::vector<std::unique_ptr<positions>> selections_;
    std::vector<placed_entry> placed_;
    render_problem addressless_{"no_address", "no address of the host is known", {}, {}};
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> conflicts_;  // -> error
    std::vector<std::uint64_t> uses_;                                           // by entry
    positions superseded_;                                                      // ascending
};

std::string rendering::value_of(const rendered_host& one) const {
    std::string out;
    out.reserve(size_of(one));
    out += '[';
    for (const auto index : one.entries) {
        if (out.size() > 1) out += ',';
        out += entries[index].text;
    }
    out += ']';
    return out;
}

std::size_t rendering::size_of(const rendered_host& one) const {
    auto out = 1 + std::max<std::size_t>(one.entries.size(), 1);
    for (const auto index : one.entries)
        out += entries[index].text.size();
    return out;
}

std::string rendering::applied_hash(const rendered_host& one) const {
    std::string text{"["};
    for (const auto index : one.entries) {
        if (text.size() > 1) text += ',';
        const auto& entry = entries[index];
        text += entry.canonical.empty() ? entry.text : entry.canonical;
    }
    return content_hash(text + ']');
}

const rendered_host* rendering::find(std::string_view name) const {
    const auto at = std::lower_bound(
        hosts.begin(), hosts.end(), name,
        [](const rendered_host& one, std::string_view wanted) { return one.name < wanted; });
    return at != hosts.end() && at->name == name ? &*at : nullptr;
}

rendering_slices::rendering_slices(std::span<const service_state> services, host_index& hosts)
    : worker_{std::make_unique<worker>(services, hosts)} {}
rendering_slices::~rendering_slices() = default;

bool rendering_slices::advance(std::size_t work) {
    return worker_->advance(work);
}

rendering rendering_slices::finish() {
    while (worker_->advance(std::numeric_limits<std::size_t>::max())) {
    }
    return worker_->take();
}

rendering render(std::span<const service_state> services, host_index& hosts) {
    return rendering_slices{services, hosts}.finish();
}

std::string logconfig_key(std::string_view prefix, std::string_view address) {
    std::string out{prefix};
    out += address;
    out += "/logconfig";
    return out;
}

}  // namespace logagent::fleet

#include "logagent/fleet/render.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
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

class renderer {
public:
    explicit renderer(host_index& index) : index_{index} {
        const auto hosts = index.hosts();
        out_.hosts.resize(hosts.size());
        for (std::uint32_t i = 0; i < hosts.size(); ++i) {
            out_.hosts[i].position = i;
            out_.hosts[i].name = hosts[i].name;
            out_.hosts[i].address = hosts[i].primary_ip;
        }
    }

    rendering run(std::span<const service_state> services) {
        for (const auto& each : services)
            place(each);
        distribute();
        settle_addresses();
        find_conflicts();
        find_limits();
        sum_rates();
        drop_superseded();
        return std::move(out_);
    }

private:
    void place(const service_state& state) {
        if (!state.rollout) return place(state.current, nullptr, false);
        place(state.current, &state.rollout->reached, false);
        place(state.rollout->next, &state.rollout->reached, true);
    }

    /// `inside`: for the hosts of the cohort, else for the others.
    void place(const service& from, const cohort* reached, bool inside) {
        if (!from.enabled || from.files.empty()) return;
        auto selected = index_.select(from.hosts);
        if (!selected) {
            out_.errors.push_back(
                {selected.error().code,
                 "service '" + from.name + "' selects no host: " + selected.error().text,
                 {from.name},
                 {}});
            return;
        }
        if (reached)
            std::erase_if(*selected, [&](std::uint32_t position) {
                return reached->contains(out_.hosts[position].name) != inside;
            });
        if (selected->empty()) return;
        selections_.push_back(std::make_unique<positions>(std::move(*selected)));
        for (const auto& file : from.files)
            placed_.push_back({make_entry(from, file), selections_.back().get()});
    }

    /// Entries in their order to every host, so that no host has to be sorted.
    void distribute() {
        std::stable_sort(placed_.begin(), placed_.end(), entry_before);
        std::uint32_t identity = 0;
        for (auto& [entry, hosts] : placed_) {
            if (!out_.entries.empty()) {
                const auto& last = out_.entries.back().target;
                if (last.log_path != entry.target.log_path || last.topic != entry.target.topic)
                    ++identity;
            }
            entry.identity = identity;
            const auto index = static_cast<std::uint32_t>(out_.entries.size());
            out_.entries.push_back(std::move(entry));
            for (const auto position : *hosts)
                out_.hosts[position].entries.push_back(index);
        }
    }

    void settle_addresses() {
        render_problem none{"no_address", "no address of the host is known", {}, {}};
        for (auto& one : out_.hosts) {
            if (!one.address.empty()) {
                settle_address(one);
            } else if (!one.entries.empty()) {
                none.hosts.push_back(one.name);
                one.blocked = true;
            }
        }
        if (!none.hosts.empty()) out_.errors.push_back(std::move(none));
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

    void find_conflicts() {
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> known;
        for (auto& one : out_.hosts) {
            for (std::size_t i = 1; i < one.entries.size(); ++i) {
                const auto first = one.entries[i - 1];
                const auto second = one.entries[i];
                if (out_.entries[first].identity != out_.entries[second].identity) continue;
                one.blocked = true;
                const auto [at, is_new] = known.try_emplace({first, second}, out_.errors.size());
                if (is_new) tell_conflict(out_.entries[first], out_.entries[second]);
                out_.errors[at->second].hosts.push_back(one.name);
            }
        }
    }

    void tell_conflict(const rendered_entry& first, const rendered_entry& second) {
        out_.errors.push_back({"conflict",
                               "services '" + first.document + "' and '" + second.document +
                                   "' both collect " + first.target.log_path + " into topic " +
                                   first.target.topic + " on the same hosts",
                               {first.document, second.document},
                               {}});
    }

    void find_limits() {
        for (auto& one : out_.hosts) {
            if (one.entries.size() <= most_targets) continue;
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
        }
    }

    void sum_rates() {
        std::vector<std::uint64_t> uses(out_.entries.size());
        for (const auto& one : out_.hosts)
            if (!one.blocked)
                for (const auto index : one.entries)
                    ++uses[index];
        std::map<std::string_view, topic_rate> topics;
        for (std::size_t i = 0; i < uses.size(); ++i) {
            const auto& target = out_.entries[i].target;
            if (uses[i] == 0) continue;
            auto& sum = topics[target.topic];
            sum.topic = target.topic;
            sum.entries += uses[i];
            sum.lines_per_s += uses[i] * target.send_rate;
            sum.bytes_per_s += uses[i] * target.send_rate_bytes;
            if (target.send_rate == 0) sum.unlimited_lines += uses[i];
            if (target.send_rate_bytes == 0) sum.unlimited_bytes += uses[i];
            if (target.is_glob()) sum.globs += uses[i];
        }
        for (auto& [topic, sum] : topics)
            out_.topics.push_back(std::move(sum));
    }

    void drop_superseded() {
        std::erase_if(out_.hosts, [&](const rendered_host& one) {
            return std::binary_search(superseded_.begin(), superseded_.end(), one.position);
        });
    }

    host_index& index_;
    rendering out_;
    std::vector<std::unique_ptr<positions>> selections_;
    std::vector<placed_entry> placed_;
    positions superseded_;  // ascending
};

}  // namespace

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

rendering render(std::span<const service_state> services, host_index& hosts) {
    return renderer{hosts}.run(services);
}

std::string logconfig_key(std::string_view prefix, std::string_view address) {
    std::string out{prefix};
    out += address;
    out += "/logconfig";
    return out;
}

}  // namespace logagent::fleet

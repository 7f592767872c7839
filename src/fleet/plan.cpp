#include "logagent/fleet/plan.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "fleet/stored_array.hpp"

namespace logagent::fleet {

namespace {

constexpr auto nothing = std::numeric_limits<std::uint32_t>::max();
const key_state no_key;

bool before(const planned_key& a, const planned_key& b) {
    return std::tie(a.host, a.address) < std::tie(b.host, b.address);
}

/// Entries of keys against entries of the rendering, each pair compared once.
class entry_matcher {
public:
    explicit entry_matcher(const rendering& wanted) : wanted_{wanted} {
        for (const auto& entry : wanted.entries) {
            identities_.emplace(std::pair{entry.target.log_path, entry.target.topic},
                                entry.identity);
            fresh_ = std::max(fresh_, entry.identity + 1);
        }
    }

    stored_array read(std::string_view value) { return stored_.read(value); }

    /// Indexes into changes().
    std::vector<std::uint32_t> compare(std::span<const std::uint32_t> stored,
                                       std::span<const std::uint32_t> rendered) {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> old;
        for (const auto index : stored)
            old.emplace_back(identity_of(index), index);
        std::sort(old.begin(), old.end());
        std::vector<std::uint32_t> out;
        auto was = old.begin();
        for (const auto is : rendered) {
            const auto identity = wanted_.entries[is].identity;
            for (; was != old.end() && was->first < identity; ++was)
                add(out, was->second, nothing);
            const bool both = was != old.end() && was->first == identity;
            add(out, both ? was->second : nothing, is);
            if (both) ++was;
        }
        for (; was != old.end(); ++was)
            add(out, was->second, nothing);
        return out;
    }

    std::vector<counted_change> take() { return std::move(changes_); }
    void count(std::uint32_t change) { ++changes_[change].keys; }

private:
    std::uint32_t identity_of(std::uint32_t index) {
        const auto& entry = stored_.at(index);
        const auto stored = entry.identity;
        if (stored >= rendered_identities_.size()) rendered_identities_.resize(stored + 1, nothing);
        auto& known = rendered_identities_[stored];
        if (known != nothing) return known;
        const auto& target = entry.file.target;
        const auto [at, is_new] = identities_.try_emplace({target.log_path, target.topic}, fresh_);
        if (is_new) ++fresh_;
        return known = at->second;
    }

    void add(std::vector<std::uint32_t>& out, std::uint32_t was, std::uint32_t is) {
        const auto pair = std::uint64_t{was} << 32 | is;
        const auto [at, is_new] = known_.try_emplace(pair, nothing);
        if (is_new) {
            if (auto change = change_between(was, is)) {
                at->second = static_cast<std::uint32_t>(changes_.size());
                changes_.push_back({std::move(*change), 0});
            }
        }
        if (at->second != nothing) out.push_back(at->second);
    }

    std::optional<entry_change> change_between(std::uint32_t was, std::uint32_t is) const {
        boost::json::object old_entry, new_entry;
        if (was != nothing) old_entry = to_json(stored_.at(was).file);
        if (is != nothing) new_entry = boost::json::parse(wanted_.entries[is].text).as_object();
        return change_of(was == nothing ? nullptr : &old_entry,
                         is == nothing ? nullptr : &new_entry);
    }

    const rendering& wanted_;
    stored_arrays stored_;
    std::map<std::pair<std::string, std::string>, std::uint32_t> identities_;
    std::uint32_t fresh_ = 0;
    std::vector<std::uint32_t> rendered_identities_;  // by stored_entry::identity
    std::unordered_map<std::uint64_t, std::uint32_t> known_;
    std::vector<counted_change> changes_;
};

}  // namespace

struct planning::state {
    state(const rendering& wanted, const host_index& hosts, std::span<const key_state> keys,
          plan_options options)
        : wanted_{wanted}, hosts_{hosts}, options_{std::move(options)}, matcher_{wanted} {
        for (const auto& key : keys)
            keys_.emplace(key.address, &key);
        next_key_ = keys_.begin();
    }

    /// Looks at some more keys; false when there are no more.
    bool advance(std::size_t count) {
        for (; count > 0 && next_host_ < wanted_.hosts.size(); --count, ++next_host_) {
            const auto& one = wanted_.hosts[next_host_];
            if (!one.address.empty())
                look_at_host(next_host_);
            else if (one.entries.empty())
                ++out_.unchanged;
        }
        for (; count > 0 && next_key_ != keys_.end(); --count, ++next_key_)
            if (!done_.contains(next_key_->first)) look_at_other(*next_key_->second);
        return next_host_ < wanted_.hosts.size() || next_key_ != keys_.end();
    }

    plan finish() {
        std::sort(out_.writes.begin(), out_.writes.end(), before);
        std::sort(out_.held.begin(), out_.held.end(), before);
        std::sort(out_.hand_written.begin(), out_.hand_written.end());
        out_.changes = matcher_.take();
        out_.errors = wanted_.errors;
        out_.warnings = wanted_.warnings;
        out_.topics = wanted_.topics;
        return std::move(out_);
    }

private:
    static bool drifted(const key_state& key) {
        if (key.rendered.empty()) return false;
        return !key.value || content_hash(*key.value) != key.rendered;
    }

    void look_at_host(std::uint32_t index) {
        const auto& one = wanted_.hosts[index];
        done_.insert(one.address);
        const auto found = keys_.find(one.address);
        const auto& key = found == keys_.end() ? no_key : *found->second;
        const auto value = wanted_.value_of(one);
        const bool ours = !key.rendered.empty();
        const bool drift = drifted(key);
        if (!drift && (key.value ? *key.value == value && (ours || one.entries.empty())
                                 : one.entries.empty())) {
            ++out_.unchanged;
            return;
        }
        planned_key next;
        next.host = one.name;
        next.address = one.address;
        next.rendered = index;
        next.size = value.size();
        next.drift = drift;
        compare(next, key, one.entries);
        if (one.blocked)
            next.held = hold_reason::blocked;
        else if (drift && !options_.repair_drift && content_hash(value) == key.rendered)
            next.held = hold_reason::drift;
        else if (next.hand_written && loses(next) && !options_.take_over.contains(one.address))
            next.held = hold_reason::hand_written;
        // A host that nothing was ever defined for is no part of the plan.
        if (next.held == hold_reason::hand_written && one.entries.empty())
            ++out_.unchanged;
        else
            keep(std::move(next));
    }

    static bool loses(const planned_key& key) {
        return key.broken || !key.changes.empty() || !key.lost.empty();
    }

    /// Fills in what becomes of the old value.
    void compare(planned_key& next, const key_state& key, std::span<const std::uint32_t> rendered) {
        next.mod_revision = key.mod_revision;
        stored_array old;
        if (key.value) old = matcher_.read(*key.value);
        next.broken = old.broken;
        next.lost = std::move(old.refused);
        next.changes = matcher_.compare(old.entries, rendered);
        next.hand_written = key.value && key.rendered.empty() &&
                            (old.broken || !old.entries.empty() || !next.lost.empty());
        if (next.hand_written) out_.hand_written.push_back(key.address);
    }

    /// A key that is nobody's primary one.
    void look_at_other(const key_state& key) {
        if (!key.value) return;
        planned_key next;
        next.address = key.address;
        next.size = 2;
        next.drift = drifted(key);
        compare(next, key, {});
        if (!loses(next)) return;
        const auto owners = hosts_.with_address(key.address);
        const bool agreed = options_.take_over.contains(key.address);
        if (!owners.empty()) next.host = hosts_.hosts()[owners.front()].name;
        if (next.hand_written) {
            if (!agreed) return;
        } else if (owners.empty() && !options_.empty_orphans) {
            next.held = hold_reason::orphan;
        }
        const auto* const owner = wanted_.find(next.host);
        if (owner && owner->blocked) next.held = hold_reason::blocked;
        keep(std::move(next));
    }

    void keep(planned_key next) {
        if (next.held != hold_reason::none) {
            out_.held.push_back(std::move(next));
            return;
        }
        for (const auto change : next.changes)
            matcher_.count(change);
        out_.writes.push_back(std::move(next));
    }

    const rendering& wanted_;
    const host_index& hosts_;
    const plan_options options_;
    entry_matcher matcher_;
    std::map<std::string_view, const key_state*> keys_;
    std::set<std::string_view> done_;
    std::uint32_t next_host_ = 0;
    std::map<std::string_view, const key_state*>::const_iterator next_key_;
    plan out_;
};

planning::planning(const rendering& wanted, const host_index& hosts,
                   std::span<const key_state> keys, plan_options options)
    : state_{std::make_unique<state>(wanted, hosts, keys, std::move(options))} {}
planning::~planning() = default;

bool planning::advance(std::size_t keys) {
    return state_->advance(keys);
}

plan planning::finish() {
    while (state_->advance(1000)) {
    }
    return state_->finish();
}

plan make_plan(const rendering& wanted, const host_index& hosts, std::span<const key_state> keys,
               const plan_options& options) {
    return planning{wanted, hosts, keys, options}.finish();
}

std::string value_of(const planned_key& key, const rendering& wanted) {
    return key.rendered ? wanted.value_of(wanted.hosts[*key.rendered]) : "[]";
}

}  // namespace logagent::fleet

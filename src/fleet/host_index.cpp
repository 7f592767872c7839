#include "logagent/fleet/host_index.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <bit>
#include <map>
#include <string>

#include "logagent/base/glob.hpp"
#include "logagent/fleet/address.hpp"

namespace logagent::fleet {

namespace {

constexpr std::size_t most_remembered = 4096;  // terms; 1.3 KB each with 10,000 hosts
constexpr std::size_t few_values = 32;         // below, a range is not worth its cost

using positions = std::vector<std::uint32_t>;
using value_map = std::map<std::string, positions, std::less<>>;

/// A set of positions.
class host_set {
public:
    explicit host_set(std::size_t size) : size_{size}, words_((size + 63) / 64) {}

    void add(std::uint32_t position) { words_[position / 64] |= std::uint64_t{1} << position % 64; }
    void add(const positions& some) {
        for (const auto position : some)
            add(position);
    }
    void unite(const host_set& other) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] |= other.words_[i];
    }
    void intersect(const host_set& other) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] &= other.words_[i];
    }
    void invert() {
        for (auto& word : words_)
            word = ~word;
        if (size_ % 64 != 0) words_.back() &= (std::uint64_t{1} << size_ % 64) - 1;
    }
    positions list() const {
        positions out;
        for (std::size_t i = 0; i < words_.size(); ++i)
            for (auto word = words_[i]; word != 0; word &= word - 1)
                out.push_back(static_cast<std::uint32_t>(
                    i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
        return out;
    }

private:
    std::size_t size_;
    std::vector<std::uint64_t> words_;
};

/// The values of `map` that an anchored match of `pattern` can lie between.
std::pair<value_map::const_iterator, value_map::const_iterator> possible_values(
    const value_map& map, const re2::RE2& pattern) {
    std::string least, most;
    if (map.size() < few_values || !pattern.PossibleMatchRange(&least, &most, 64))
        return {map.begin(), map.end()};
    return {map.lower_bound(least), map.upper_bound(most)};
}

/// Which hosts have which value of one label, or no value.
struct label_values {
    value_map by_value;
    positions without;

    void add_fitting(const selector::term& term, host_set& out) const {
        if (term.fits("")) out.add(without);
        if (!term.pattern) {
            if (const auto found = by_value.find(term.value); found != by_value.end())
                out.add(found->second);
            return;
        }
        const auto [first, last] = possible_values(by_value, *term.pattern);
        for (auto value = first; value != last; ++value)
            if (term.fits(value->first)) out.add(value->second);
    }
};

}  // namespace

struct host_index::state {
    explicit state(std::vector<host> given) : hosts{std::move(given)} {
        std::stable_sort(hosts.begin(), hosts.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; });
        hosts.erase(std::unique(hosts.begin(), hosts.end(),
                                [](const auto& a, const auto& b) { return a.name == b.name; }),
                    hosts.end());
        for (std::uint32_t i = 0; i < hosts.size(); ++i)
            add(i);
        std::sort(by_address.begin(), by_address.end());
    }

    void add(std::uint32_t position) {
        const auto& one = hosts[position];
        labels["host"].by_value[one.name].push_back(position);
        auto& addresses = labels["ip"];
        if (one.ips.empty()) addresses.without.push_back(position);
        for (const auto& ip : one.ips) {
            addresses.by_value[ip].push_back(position);
            if (const auto address = parse_address(ip)) by_address.emplace_back(*address, position);
        }
    }

    /// Labels other than `host` and `ip` are indexed when they are first asked for.
    const label_values& values_of(const std::string& label) {
        const auto [found, is_new] = labels.try_emplace(label);
        if (!is_new) return found->second;
        for (std::uint32_t i = 0; i < hosts.size(); ++i) {
            const auto value = hosts[i].labels.find(label);
            if (value == hosts[i].labels.end())
                found->second.without.push_back(i);
            else
                found->second.by_value[value->second].push_back(i);
        }
        return found->second;
    }

    const host_set& matches(const selector::term& term) {
        std::string key = term.label + (term.negated ? "!" : "=") + (term.pattern ? "~" : "=");
        key += term.value;
        if (terms.size() > most_remembered) terms.clear();
        const auto known = terms.find(key);
        if (known != terms.end()) return known->second;
        host_set found{hosts.size()};
        values_of(term.label).add_fitting(term, found);
        if (term.negated) found.invert();
        return terms.emplace(std::move(key), std::move(found)).first->second;
    }

    void add_listed(const std::string& wanted, host_set& out) {
        const auto& names = labels["host"].by_value;
        if (!base::is_glob(wanted)) {
            if (const auto found = names.find(wanted); found != names.end()) out.add(found->second);
            const auto address = parse_address(wanted);
            if (!address) return;
            const auto& addresses = labels["ip"].by_value;
            if (const auto found = addresses.find(to_text(*address)); found != addresses.end())
                out.add(found->second);
            return;
        }
        const auto begin = base::glob_literal_prefix(wanted);
        for (auto name = names.lower_bound(begin);
             name != names.end() && std::string_view{name->first}.starts_with(begin); ++name)
            if (base::glob_matches(wanted, name->first)) out.add(name->second);
    }

    void add_network(const ip_network& network, host_set& out) const {
        const auto last = network.last();
        for (auto one = std::lower_bound(by_address.begin(), by_address.end(),
                                         std::pair{network.first, std::uint32_t{0}});
             one != by_address.end() && one->first <= last; ++one)
            out.add(one->second);
    }

    std::vector<host> hosts;
    std::map<std::string, label_values, std::less<>> labels;
    std::vector<std::pair<ip_address, std::uint32_t>> by_address;  // sorted
    std::map<std::string, host_set, std::less<>> terms;
};

host_index::host_index(std::vector<host> hosts)
    : state_{std::make_unique<state>(std::move(hosts))} {}
host_index::~host_index() = default;
host_index::host_index(host_index&&) noexcept = default;
host_index& host_index::operator=(host_index&&) noexcept = default;

std::span<const host> host_index::hosts() const {
    return state_->hosts;
}

std::optional<std::size_t> host_index::find(std::string_view name) const {
    const auto& names = state_->labels["host"].by_value;
    const auto found = names.find(name);
    if (found == names.end()) return std::nullopt;
    return found->second.front();
}

std::span<const std::uint32_t> host_index::with_address(std::string_view address) const {
    const auto& addresses = state_->labels["ip"].by_value;
    const auto found = addresses.find(address);
    if (found == addresses.end()) return {};
    return found->second;
}

base::result<std::vector<std::uint32_t>> host_index::select(const host_selection& selection) {
    host_set out{state_->hosts.size()};
    for (const auto& wanted : selection.list) {
        if (auto problem = base::glob_problem(wanted))
            return base::problem{"glob", std::move(*problem)};
        state_->add_listed(wanted, out);
    }
    for (const auto& text : selection.cidr) {
        const auto network = parse_network(text);
        if (!network) return network.error();
        state_->add_network(*network, out);
    }
    const auto parsed = selector::parse(selection.selector);
    if (!parsed) return parsed.error();
    if (!parsed->empty()) {
        host_set all{state_->hosts.size()};
        all.invert();
        for (const auto& term : parsed->terms())
            all.intersect(state_->matches(term));
        out.unite(all);
    }
    return out.list();
}

}  // namespace logagent::fleet

#include "logagent/fleet/adopt.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "fleet/document_reader.hpp"
#include "fleet/stored_array.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/glob.hpp"
#include "logagent/fleet/merge.hpp"

namespace logagent::fleet {

namespace {

using name_set = std::set<std::string, std::less<>>;
using host_names = std::vector<std::string>;  // sorted

/// A name for a document that is as near to `wanted` as the grammar allows.
std::string legal_name(const std::string& wanted) {
    std::string out;
    for (const char c : wanted.substr(0, 48))
        out += name_problem(std::string{"a"} + c).empty() ? c : '-';
    while (!out.empty() && !name_problem(out).empty())
        out.erase(out.begin());
    return out.empty() ? "unnamed" : out;
}

/// Whether the sorted array would ask `b` before `a`, where array order decides today.
bool changes_places(const log_target& a, const log_target& b) {
    return a.topic == b.topic && b.log_path < a.log_path && a.is_glob() && b.is_glob() &&
           base::glob_literal_prefix(a.log_path).size() ==
               base::glob_literal_prefix(b.log_path).size();
}

class adopter {
public:
    adopter(const host_index& hosts, const name_set& taken, std::string source)
        : hosts_{hosts}, taken_{taken}, source_{std::move(source)} {}

    adoption run(std::span<const written_key> keys) {
        std::vector<const written_key*> sorted;
        for (const auto& key : keys)
            sorted.push_back(&key);
        std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
            return address_before(a->address, b->address);
        });
        for (const auto* const key : sorted)
            read(*key);
        group();
        return std::move(out_);
    }

private:
    void note(std::string code, std::string text, std::string address = {}) {
        out_.notes.push_back({std::move(code), std::move(text), std::move(address)});
    }

    void read(const written_key& key) {
        const auto array = stored_.read(key.value);
        if (array.broken) {
            note("broken", array.refused.front(), key.address);
            return;
        }
        for (const auto& refusal : array.refused)
            note("refused", refusal, key.address);
        const auto owners = hosts_.with_address(key.address);
        if (owners.size() != 1 && !array.entries.empty())
            note(
                "unknown_host",
                owners.empty() ? "no host has this address yet" : "several hosts have this address",
                key.address);
        const auto& listed = owners.size() == 1 ? hosts_.hosts()[owners.front()].name : key.address;
        add(listed, array.entries, key.address);
        note_order(array);
        out_.addresses.insert(key.address);
    }

    /// Keys come in the order in which agents prefer them.
    void add(const std::string& listed, const std::vector<std::uint32_t>& entries,
             const std::string& address) {
        auto& known = of_host_[listed];
        const auto earlier = known.size();  // of other keys; one array has no target twice
        for (const auto index : entries) {
            const auto first =
                std::find_if(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(earlier),
                             [&](auto other) {
                                 return stored_.at(other).identity == stored_.at(index).identity;
                             });
            if (first == known.begin() + static_cast<std::ptrdiff_t>(earlier)) {
                known.push_back(index);
                shared_of(index).hosts.push_back(listed);
            } else if (stored_.at(*first).canonical != stored_.at(index).canonical) {
                const auto& target = stored_.at(index).file.target;
                note("conflict",
                     target.log_path + " to " + target.topic +
                         ": another key of the host has a different entry, which its agent uses",
                     address);
            }
        }
    }

    struct shared_entry {
        std::uint32_t index = 0;
        std::vector<std::string> hosts;
    };

    /// Entries that differ in their form only are one.
    shared_entry& shared_of(std::uint32_t index) {
        if (index >= shared_.size()) shared_.resize(stored_.size(), nullptr);
        if (shared_[index]) return *shared_[index];
        const auto& entry = stored_.at(index);
        auto& out = uses_[{entry.file.target.service, entry.canonical}];
        out.index = index;
        shared_[index] = &out;
        return out;
    }

    void note_order(const stored_array& array) {
        for (std::size_t i = 0; i < array.entries.size(); ++i) {
            const auto& a = stored_.at(array.entries[i]).file.target;
            if (!a.is_glob()) continue;
            for (auto j = i + 1; j < array.entries.size(); ++j) {
                const auto& b = stored_.at(array.entries[j]).file.target;
                if (!changes_places(a, b) || !ordered_.emplace(a.log_path, b.log_path).second)
                    continue;
                note("order", "a file that both " + a.log_path + " and " + b.log_path +
                                  " reach belongs to the second from now on");
            }
        }
    }

    void group() {
        std::map<std::string, std::map<host_names, std::vector<std::uint32_t>>> documents;
        for (auto& [key, used] : uses_) {
            std::sort(used.hosts.begin(), used.hosts.end());
            documents[key.first][std::move(used.hosts)].push_back(used.index);
        }
        for (const auto& [record_name, groups] : documents)
            make_documents(record_name, groups);
        std::sort(out_.services.begin(), out_.services.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
    }

    void make_documents(const std::string& record_name,
                        const std::map<host_names, std::vector<std::uint32_t>>& groups) {
        std::vector<const std::pair<const host_names, std::vector<std::uint32_t>>*> by_size;
        for (const auto& group : groups)
            by_size.push_back(&group);
        // The plain name for what most hosts have.
        std::stable_sort(by_size.begin(), by_size.end(), [](const auto* a, const auto* b) {
            return a->first.size() > b->first.size();
        });
        for (const auto* const group : by_size)
            out_.services.push_back(make_document(record_name, group->first, group->second));
    }

    service make_document(const std::string& record_name, const host_names& hosts,
                          const std::vector<std::uint32_t>& entries) {
        service out;
        out.name = free_name(legal_name(record_name));
        if (out.name != record_name)
            note("renamed", "service '" + base::visible(record_name, 80) + "' is document '" +
                                out.name + "'; records keep their name");
        out.source = source_;
        out.hosts.list = hosts;
        for (const auto index : entries)
            out.files.push_back(stored_.at(index).file);
        std::sort(out.files.begin(), out.files.end(), [](const auto& a, const auto& b) {
            return std::tie(a.target.log_path, a.target.topic) <
                   std::tie(b.target.log_path, b.target.topic);
        });
        return out;
    }

    std::string free_name(const std::string& wanted) {
        auto name = wanted;
        for (std::size_t i = 2; taken_.contains(name) || !given_.insert(name).second; ++i)
            name = wanted + "-" + std::to_string(i);
        return name;
    }

    const host_index& hosts_;
    const name_set& taken_;
    std::string source_;
    name_set given_;
    stored_arrays stored_;
    std::map<std::string, std::vector<std::uint32_t>> of_host_;  // entries that its agent uses
    std::map<std::pair<std::string, std::string>, shared_entry> uses_;  // by service and text
    std::vector<shared_entry*> shared_;                                 // by index
    std::set<std::pair<std::string, std::string>> ordered_;
    adoption out_;
};

}  // namespace

adoption adopt(std::span<const written_key> keys, const host_index& hosts,
               const std::set<std::string, std::less<>>& taken, const std::string& source) {
    return adopter{hosts, taken, source}.run(keys);
}

}  // namespace logagent::fleet

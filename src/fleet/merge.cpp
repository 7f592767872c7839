#include "logagent/fleet/merge.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "logagent/base/json.hpp"

namespace logagent::fleet {

namespace {

/// Sorts as addresses do: family first, then the bytes in network order.
std::tuple<int, std::string, std::string> rank(const std::string& address) {
    unsigned char room[16];
    if (::inet_pton(AF_INET, address.c_str(), room) == 1)
        return {4, std::string(room, room + 4), address};
    if (::inet_pton(AF_INET6, address.c_str(), room) == 1)
        return {6, std::string(room, room + 16), address};
    return {7, {}, address};
}

class merger {
public:
    void add(const std::string& address, const parsed_logconfig& document) {
        for (const auto& error : document.errors)
            out_.errors.push_back({address, error});
        for (std::size_t i = 0; i < document.targets.size(); ++i)
            add(address, document.targets[i], document.indexes[i]);
    }

    merged_logconfig take() && {
        std::move(conflicts_.begin(), conflicts_.end(), std::back_inserter(out_.errors));
        return std::move(out_);
    }

private:
    struct winner {
        std::size_t index;
        std::string address;
    };

    void add(const std::string& address, const log_target& target, std::size_t index) {
        const auto known = winners_.find({target.log_path, target.topic});
        if (known == winners_.end()) {
            if (out_.targets.size() == most_targets)
                return refuse(address, index, "limit",
                              "a host has at most 200 targets over all its addresses");
            winners_.emplace(std::pair{target.log_path, target.topic},
                             winner{out_.targets.size(), address});
            out_.targets.push_back(target);
        } else if (out_.targets[known->second.index] != target) {
            refuse(address, index, "conflict",
                   "the key of " + known->second.address +
                       " has another entry for the same log_path and topic, which is used");
        }
    }

    void refuse(const std::string& address, std::size_t index, std::string code, std::string text) {
        std::string pointer;
        base::append_pointer(pointer, index);
        conflicts_.push_back({address, {std::move(pointer), std::move(code), std::move(text)}});
    }

    merged_logconfig out_;
    std::vector<addressed_error> conflicts_;
    std::map<std::pair<std::string, std::string>, winner> winners_;
};

}  // namespace

bool address_before(const std::string& a, const std::string& b) {
    return rank(a) < rank(b);
}

merged_logconfig merge(std::vector<addressed_logconfig> documents) {
    std::stable_sort(documents.begin(), documents.end(), [](const auto& a, const auto& b) {
        return address_before(a.address, b.address);
    });
    merger all;
    for (const auto& [address, document] : documents)
        all.add(address, document);
    return std::move(all).take();
}

}  // namespace logagent::fleet

#include "etcd/endpoints.hpp"

#include <algorithm>
#include <cassert>
#include <random>

namespace logagent::etcd {

endpoint_list::endpoint_list(std::vector<http::endpoint> all, std::uint64_t seed,
                             clock::duration bad_for)
    : bad_for_{bad_for} {
    assert(!all.empty());
    std::minstd_rand random{static_cast<std::minstd_rand::result_type>(seed % 2147483647u)};
    std::ranges::shuffle(all, random);
    for (auto& one : all)
        all_.push_back({std::move(one), {}});
}

const http::endpoint& endpoint_list::pick(clock::time_point now) {
    for (std::size_t step = 0; step < all_.size(); ++step) {
        const std::size_t place = (current_ + step) % all_.size();
        if (all_[place].bad_until > now) continue;
        current_ = place;
        return all_[place].where;
    }
    const auto oldest = std::ranges::min_element(all_, {}, &known::bad_until);
    current_ = static_cast<std::size_t>(oldest - all_.begin());
    return oldest->where;
}

void endpoint_list::failed(std::string_view authority, clock::time_point now) {
    for (auto& one : all_)
        if (one.where.authority() == authority) one.bad_until = now + bad_for_;
}

void endpoint_list::worked(std::string_view authority) {
    for (auto& one : all_)
        if (one.where.authority() == authority) one.bad_until = {};
}

}  // namespace logagent::etcd

#include "logagent/fleet/transaction.hpp"

namespace logagent::fleet {

namespace {

// Tags, lengths and the compare's numbers of one operation in etcd's encoding, rounded up.
constexpr std::size_t framing = 64;

struct cost {
    std::size_t operations = 0;
    std::size_t bytes = 0;
};

}  // namespace

std::vector<key_batch> split(const plan& from, std::string_view prefix,
                             const transaction_limits& limits) {
    const auto& writes = from.writes;
    std::vector<key_batch> out;
    const cost empty{limits.operations_kept, limits.bytes_kept};
    cost used = empty;
    for (std::size_t first = 0; first < writes.size();) {
        cost host;
        auto last = first;
        do {
            const auto key = logconfig_key(prefix, writes[last].address).size();
            host.operations += limits.operations_each;
            // The key stands in the compare and in the put.
            host.bytes += 2 * key + writes[last].size + limits.bytes_each +
                          framing * (1 + limits.operations_each);
            ++last;
        } while (last < writes.size() && !writes[first].host.empty() &&
                 writes[last].host == writes[first].host);
        const bool fits = !out.empty() && used.operations + host.operations <= limits.operations &&
                          used.bytes + host.bytes <= limits.bytes;
        if (!fits) {
            out.push_back({first, first});
            used = empty;
        }
        used.operations += host.operations;
        used.bytes += host.bytes;
        out.back().last = first = last;
    }
    return out;
}

std::vector<guarded_write> writes_of(const plan& from, const rendering& wanted,
                                     std::string_view prefix, const key_batch& batch) {
    std::vector<guarded_write> out;
    for (auto i = batch.first; i < batch.last; ++i) {
        const auto& key = from.writes[i];
        out.push_back(
            {logconfig_key(prefix, key.address), value_of(key, wanted), key.mod_revision});
    }
    return out;
}

}  // namespace logagent::fleet

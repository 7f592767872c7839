#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "logagent/transfer/item.hpp"

namespace logagent::transfer {

/// Records of one partition that go to a topology together.
class storm_batch {
public:
    /// What a topology can read: its frames end at 1 MiB, and it escapes what it gets once more.
    static constexpr std::size_t most_bytes = 512u << 10;

    storm_batch(std::string topic, std::int32_t partition, std::string route);

    /// False = it does not fit, and was not taken. `limit` in bytes of the whole body.
    bool add(item& next, std::string& json, std::size_t limit);

    std::size_t size() const noexcept { return items_.size(); }
    bool empty() const noexcept { return items_.empty(); }

    /// "<topic>+<partition>+<first>+<last>": the same in each attempt, so that a topology can tell
    /// one that it has seen.
    std::string id() const;
    /// {"v":1,"batch_id":..,"route":..,"records":[..]}
    std::string body() const;

    /// Takes the second half out into a batch of its own. It has two records at least.
    storm_batch split();
    std::vector<item> take_items();

private:
    std::size_t envelope() const noexcept;

    std::string topic_;
    std::int32_t partition_;
    std::string route_;
    std::vector<item> items_;
    std::vector<std::string> documents_;
    std::size_t bytes_;  // of the body
};

}  // namespace logagent::transfer

#include "agent/written_partitions.hpp"

#include <algorithm>

namespace logagent::agent {

namespace {

// Beyond that reading the whole topic is as good.
constexpr std::size_t most_partitions = 64;

}  // namespace

void written_partitions::add(std::string_view service, std::string_view topic,
                             std::int32_t partition) {
    auto& known =
        topics_.try_emplace({std::string{service}, std::string{topic}}, std::set<std::int32_t>{})
            .first->second;
    if (!known) return;
    if (partition >= 0) known->insert(partition);
    if (partition < 0 || known->size() > most_partitions) known.reset();
}

bool written_partitions::holds(const written_partitions& other) const {
    return std::ranges::all_of(other.topics_, [this](const auto& one) {
        const auto own = topics_.find(one.first);
        if (own == topics_.end()) return false;
        return !own->second || (one.second && std::ranges::includes(*own->second, *one.second));
    });
}

std::size_t written_partitions::write(json_writer& out, std::size_t to) const {
    std::size_t done = 0;
    out.open('[');
    for (const auto& [key, partitions] : topics_) {
        json_writer element;
        element.open('{').member("service", key.first).member("topic", key.second);
        element.key("partitions");
        if (partitions) {
            element.open('[');
            for (const auto number : *partitions)
                element.value(number);
            element.close(']');
        } else {
            element.null();
        }
        element.close('}');
        const auto text = element.take();
        if (out.size() + text.size() + 2 > to) break;
        out.raw(text);
        ++done;
    }
    out.close(']');
    return topics_.size() - done;
}

}  // namespace logagent::agent

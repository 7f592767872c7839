#include "transfer/storm_batch.hpp"

#include <iterator>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::transfer {

storm_batch::storm_batch(std::string topic, std::int32_t partition, std::string route)
    : topic_{std::move(topic)}, partition_{partition}, route_{std::move(route)} {
    bytes_ = envelope();
}

std::size_t storm_batch::envelope() const noexcept {
    constexpr std::size_t names_and_numbers = 48 + 3 * base::number_room;
    return names_and_numbers + topic_.size() + 6 * route_.size();
}

bool storm_batch::add(item& next, std::string& json, std::size_t limit) {
    if (bytes_ + json.size() + 1 > limit) return false;
    bytes_ += json.size() + 1;
    items_.push_back(std::move(next));
    documents_.push_back(std::move(json));
    return true;
}

std::string storm_batch::id() const {
    std::string text = topic_ + "+";
    base::append_number(text, partition_);
    text += '+';
    base::append_number(text, items_.front().record.offset);
    text += '+';
    base::append_number(text, items_.back().record.offset);
    return text;
}

std::string storm_batch::body() const {
    std::string text;
    text.reserve(bytes_);
    text += "{\"v\":1,\"batch_id\":";
    base::append_json_string(text, id());
    text += ",\"route\":";
    base::append_json_string(text, route_);
    text += ",\"records\":[";
    for (const auto& each : documents_)
        text.append(each).push_back(',');
    text.pop_back();
    text += "]}";
    return text;
}

storm_batch storm_batch::split() {
    storm_batch half{topic_, partition_, route_};
    const auto middle = static_cast<std::ptrdiff_t>(items_.size() / 2);
    half.items_.assign(std::make_move_iterator(items_.begin() + middle),
                       std::make_move_iterator(items_.end()));
    half.documents_.assign(std::make_move_iterator(documents_.begin() + middle),
                           std::make_move_iterator(documents_.end()));
    items_.erase(items_.begin() + middle, items_.end());
    documents_.erase(documents_.begin() + middle, documents_.end());
    for (const auto& each : half.documents_)
        half.bytes_ += each.size() + 1;
    bytes_ = bytes_ + half.envelope() - half.bytes_;
    return half;
}

std::vector<item> storm_batch::take_items() {
    std::vector<item> out;
    out.swap(items_);
    documents_.clear();
    return out;
}

}  // namespace logagent::transfer

#include "transfer/hdfs_lane.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t records_of_a_turn = 2000;

hdfs_source source_of(const lane_start& start) {
    hdfs_source made;
    made.topic = start.partition.topic;
    made.id = start.topic_id.empty() ? start.partition.topic : start.topic_id;
    made.partition = start.partition.number;
    return made;
}

source_record source_of(const item& from, const std::string& topic_id) {
    source_record made;
    made.topic = from.record.topic;
    made.topic_id = topic_id;
    made.partition = from.record.partition;
    made.offset = from.record.offset;
    made.timestamp_ms = from.record.timestamp_ms;
    made.key = from.record.key;
    made.value = from.record.value;
    return made;
}

}  // namespace

hdfs_lane::hdfs_lane(hdfs_workshop& shop, const lane_start& start)
    : shop_{shop},
      number_{start.in},
      topic_id_{start.topic_id},
      source_{source_of(start)},
      patience_{shop, start.in} {
    auto read = hdfs_position::read(start.metadata);
    hdfs_position position;
    if (read)
        position = std::move(*read);
    else
        unreadable_ = read.error().text;
    std::optional<offset_range> intent;
    // Another life of the topic has other records at these offsets.
    const bool other_life = position.intent && !start.topic_id.empty() &&
                            position.intent->source_id != start.topic_id &&
                            position.intent->source_id != start.partition.topic;
    if (position.intent && !other_life) {
        intent = position.intent->range;
        repeated_layout_ = position.intent->layout;
        repeated_id_ = position.intent->source_id;
        if (repeated_layout_.documents != shop.layout.documents) {
            auto made = create_document_maker(repeated_layout_.documents);
            if (made)
                repeated_documents_ = std::move(*made);
            else
                unreadable_ = made.error().text;
        }
        sweep_repeated_ = repeated_layout_.root != shop.layout.root;
    }
    ranges_ = hdfs_ranges{start.next, intent};
    publisher_ = std::make_unique<hdfs_publisher>(shop, patience_, start, source_, position);
}

asio::awaitable<void> hdfs_lane::run() {
    while (!unreadable_.empty() && !patience_.ended()) {
        hdfs_answer told;
        told.verdict = hdfs_verdict::refused;
        told.code = "newer";
        told.text = unreadable_;
        const std::string what = source_.topic + " " + std::to_string(source_.partition);
        co_await patience_.failed(std::move(told), what);
    }
    co_await publisher_->sweep(shop_.layout);
    if (sweep_repeated_) co_await publisher_->sweep(repeated_layout_);
    while (!patience_.ended()) {
        try_disk_again();
        close_if_due(clock::now());  // first, since a full range takes nothing more
        const bool more = absorb();
        close_if_due(clock::now());
        if (closed_) {
            co_await publisher_->publish(*closed_);
            closed_.reset();
            shop_.changed();
        } else if (more) {
            co_await asio::post(shop_.parts.executor, asio::use_awaitable);
        } else {
            co_await patience_.wait_until(next_look());
        }
    }
    // What was gathered is read again by whoever has the partition now.
    filling_.reset();
    closed_.reset();
}

void hdfs_lane::take(item next) {
    if (patience_.ended()) return;
    const bool first = !filling_;
    if (waiting_.empty() && room() && store(next)) {
        if (first) patience_.wake();  // a range began, and somebody has to look when it is old
        return;
    }
    waiting_.push_back(std::move(next));
    patience_.wake();
}

bool hdfs_lane::room() const noexcept {
    if (!unreadable_.empty() || disk_full_) return false;
    if (ranges_.repeating()) return true;  // it cannot be closed earlier, so nothing else helps
    if (filling_ && closed_ && shop_.roll.full(filling_->have())) return false;
    return shop_.spooled < shop_.spool_limit;
}

bool hdfs_lane::absorb() {
    for (std::size_t count = 0; count < records_of_a_turn; ++count) {
        if (waiting_.empty() || !room() || !store(waiting_.front())) return false;
        waiting_.pop_front();
    }
    return !waiting_.empty();
}

void hdfs_lane::begin_range() {
    if (filling_) return;
    const bool repeated = ranges_.repeating();
    const hdfs_layout& layout = repeated ? repeated_layout_ : shop_.layout;
    hdfs_source source = source_;
    if (repeated) source.id = repeated_id_;
    filling_ = std::make_unique<hdfs_range>(shop_, layout, std::move(source), repeated);
    hurried_ = false;
}

bool hdfs_lane::store(item& next) {
    if (ranges_.beyond(next.record.offset)) close_range();
    begin_range();
    const document_maker& documents =
        filling_->repeated && repeated_documents_ ? *repeated_documents_ : shop_.parts.documents;
    const bool as_documents = filling_->layout.format == "ndjson";
    const auto source = source_of(next, topic_id_);
    if (as_documents) documents.make(made_, source);
    const utc_hour hour = hour_of(as_documents ? made_.time_ms : documents.time_of(source));
    if (const int failure = filling_->prepare(hour)) {
        disk_refused(failure);
        return false;
    }
    const auto line = as_documents ? std::string_view{made_.json} : next.record.value;
    const int failure = filling_->add(hour, line, next.record.timestamp_ms);
    const bool last = ranges_.add(next.record.offset);
    shop_.parts.to.accepted(std::move(next));
    if (failure) disk_refused(failure);
    if (last || (!ranges_.repeating() && shop_.roll.full(filling_->have()))) close_range();
    return true;
}

void hdfs_lane::close_range() {
    if (closed_) return;  // it waits until the one before it is published
    begin_range();
    filling_->offsets = ranges_.close();
    closed_ = std::move(filling_);
    patience_.wake();
}

void hdfs_lane::close_if_due(clock::time_point now) {
    if (closed_ || !filling_ || ranges_.repeating() || filling_->have().records == 0) return;
    const bool due = draining_ || hurried_ || shop_.roll.full(filling_->have()) ||
                     now >= shop_.roll.due(filling_->have());
    if (due) close_range();
}

hdfs_lane::clock::time_point hdfs_lane::next_look() const noexcept {
    if (disk_full_) return clock::now() + 1s;
    if (!filling_ || ranges_.repeating()) return clock::time_point::max();
    return shop_.roll.due(filling_->have());
}

void hdfs_lane::disk_refused(int failure) {
    disk_full_ = true;
    hurried_ = true;  // what is published makes room
    shop_.trouble(number_, "no room for files that are being gathered in " + shop_.parts.spool +
                               ": " + base::describe_errno(failure) + "; it is tried again");
    patience_.wake();
}

void hdfs_lane::try_disk_again() {
    if (!disk_full_) return;
    if (filling_ && filling_->flush() != 0) return;
    disk_full_ = false;
    shop_.trouble(number_, {});
}

void hdfs_lane::drain(bool on) {
    draining_ = on;
    patience_.wake();
}

void hdfs_lane::hurry() {
    hurried_ = true;
    patience_.wake();
}

bool hdfs_lane::done() const noexcept {
    if (patience_.ended()) return true;
    const bool gathering = filling_ && filling_->have().records > 0 && !ranges_.repeating();
    return !closed_ && !gathering && waiting_.empty();
}

void hdfs_lane::end() {
    waiting_.clear();
    patience_.end();
}

}  // namespace logagent::transfer

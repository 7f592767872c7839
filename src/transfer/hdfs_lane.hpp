#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "logagent/transfer/sink.hpp"
#include "transfer/hdfs_patience.hpp"
#include "transfer/hdfs_position.hpp"
#include "transfer/hdfs_publisher.hpp"
#include "transfer/hdfs_range.hpp"
#include "transfer/hdfs_ranges.hpp"
#include "transfer/hdfs_workshop.hpp"

namespace logagent::transfer {

/// One partition on its way into files: gathers a range on the local disk while the one before it
/// is published.
///
/// A record counts as accepted once it lies on the disk: from there on the commits of the publisher
/// decide whether it is read again.
class hdfs_lane {
public:
    hdfs_lane(hdfs_workshop& shop, const lane_start& start);

    /// Works until end() or a stop.
    boost::asio::awaitable<void> run();

    /// Takes a record. What finds no room waits as it is, so that the route soon reads no more.
    void take(item next);

    /// Publishes what there is without waiting for more, until it is set back.
    void drain(bool on);
    /// Closes the range that is being gathered.
    void hurry();
    /// Nothing is left that can be published now.
    bool done() const noexcept;

    /// Not ours any longer: drops what it holds.
    void end();

    /// Something changed that it may wait for.
    void wake() { patience_.wake(); }

    std::uint64_t gathered() const noexcept { return filling_ ? filling_->have().bytes : 0; }
    std::optional<utc_hour> complete_to() const noexcept { return publisher_->complete_to(); }
    lane number() const noexcept { return number_; }

private:
    using clock = std::chrono::steady_clock;

    bool room() const noexcept;
    /// Stores some of what waits. True = there is more, and room for it.
    bool absorb();
    /// False = there is no room after all.
    bool store(item& next);
    void begin_range();
    void close_range();
    void close_if_due(clock::time_point now);
    clock::time_point next_look() const noexcept;
    void disk_refused(int failure);
    void try_disk_again();

    hdfs_workshop& shop_;
    lane number_;
    std::string topic_id_;  // empty = the broker told none
    hdfs_source source_;
    std::string
        unreadable_;  // why the last commit forbids publishing anything; empty = it does not
    hdfs_layout repeated_layout_;
    std::string repeated_id_;
    std::unique_ptr<document_maker> repeated_documents_;  // null: those of the route serve
    bool sweep_repeated_ = false;                         // files of that layout lie elsewhere
    document made_;                                       // of the record that is being stored
    hdfs_ranges ranges_{-1, std::nullopt};
    std::unique_ptr<hdfs_range> filling_;
    std::unique_ptr<hdfs_range> closed_;  // being published
    std::deque<item> waiting_;
    hdfs_patience patience_;
    std::unique_ptr<hdfs_publisher> publisher_;
    bool disk_full_ = false;
    bool draining_ = false;
    bool hurried_ = false;
};

}  // namespace logagent::transfer

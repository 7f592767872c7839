#pragma once

#include <boost/asio/awaitable.hpp>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/http/client.hpp"
#include "logagent/os/secret_file.hpp"
#include "logagent/transfer/sink.hpp"
#include "transfer/storm_answer.hpp"
#include "transfer/storm_batch.hpp"
#include "transfer/storm_lane.hpp"
#include "transfer/storm_servers.hpp"

namespace logagent::transfer {

/// Batches for a topology by DRPC over HTTP, each acknowledged by the topology's answer.
///
/// A batch whose answer did not come may have been seen all the same: it is sent again under the
/// same batch_id. One that the topology fails again and again is halved until the record is found
/// that it cannot take.
class storm_sink final : public sink {
public:
    storm_sink(sink_parts parts, sink_settings where, sink_options how);
    ~storm_sink() override;

    boost::asio::awaitable<void> run() override;
    void begin(const lane_start& start) override;
    void take(item next) override;
    boost::asio::awaitable<void> drain(std::vector<lane> lanes,
                                       std::chrono::steady_clock::time_point deadline) override;
    void end(lane in) override;
    sink_figures figures() const override;

private:
    using clock = std::chrono::steady_clock;

    /// A batch on its way, until its last record is settled.
    struct flight {
        flight(storm_lane& its_lane, storm_batch its_batch, boost::asio::any_io_executor executor,
               std::uint64_t seed);

        storm_lane& from;
        storm_batch batch;
        async::event changed;
        async::backoff waits;
        std::uint32_t failed = 0;           // how often the topology said no
        std::uint32_t unsent = 0;           // attempts in a row that the topology never answered
        std::uint64_t accepted_before = 0;  // batches that the sink had then
        bool dropped = false;               // the lane has ended
    };
    using flight_list = std::list<flight>;

    boost::asio::awaitable<void> serve(async::task_group& tasks);
    void start_flights(async::task_group& tasks, clock::time_point now);
    clock::time_point next_look(clock::time_point now) const;
    void launch(async::task_group& tasks, storm_lane& from, storm_batch batch);

    boost::asio::awaitable<void> fly(flight_list::iterator one);
    boost::asio::awaitable<storm_answer> ask(flight& one);
    boost::asio::awaitable<void> after(flight& one, storm_answer answer);
    boost::asio::awaitable<void> pause(flight& one);
    boost::asio::awaitable<std::size_t> free_server(flight& one);
    void accept(flight& one);
    void blame(flight& one, const storm_answer& answer);
    void report(flight& one, const storm_answer& answer);
    void tell(std::string text);
    void refuse(item bad, std::string reason, std::string text, unsigned attempts);

    storm_lane* find(lane in);
    bool idle(const std::vector<lane>& lanes);
    void changed();
    void forget_ended();
    void read_secret();
    void try_secret_again();
    http::request request_of(const flight& one) const;

    sink_parts parts_;
    sink_settings where_;
    sink_options how_;
    http::client http_;
    storm_servers servers_;
    std::string authorization_;
    std::list<storm_lane> lanes_;
    storm_lane* last_ = nullptr;  // records come in runs of one partition
    flight_list flights_;
    std::list<std::pair<storm_lane*, storm_batch>> halves_;  // of batches that were split
    async::event changed_;
    std::list<async::event> drains_;  // one for each drain() that waits
    std::exception_ptr failure_;
    std::uint64_t accepted_batches_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t in_flight_ = 0;
    std::map<std::string, std::uint64_t> retried_;
    std::string told_;
};

}  // namespace logagent::transfer

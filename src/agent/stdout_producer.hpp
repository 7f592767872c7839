#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/kafka/producer.hpp"
#include "logagent/kafka/topic_description.hpp"

namespace logagent::agent {

/// What the cluster says about a topic when standard output stands for it: one partition.
kafka::topic_description describe_stdout(std::string_view name);

/// `--output -`: writes `key<TAB>value\n` to a descriptor instead of sending to Kafka.
///
/// Never blocks on a pipe or a terminal that nobody reads: what cannot be written now is kept, up
/// to 256 KiB and one batch, and after that batches are not accepted, as with a full queue. A
/// record is delivered once the kernel has taken all of it; reports come in a posted handler.
/// Headers are not shown. All topics look alike.
class stdout_producer final : public kafka::producer {
public:
    /// `broken` is called once, on the loop, when the descriptor takes nothing any more; may be
    /// empty. Ignores SIGPIPE in this process unless somebody handles it, since a reader that went
    /// away has to be an answer and not the end.
    stdout_producer(boost::asio::any_io_executor executor, int fd = 1,
                    std::function<void(const std::string& why)> broken = {});
    ~stdout_producer() override;

    void listen(kafka::delivery_listener& listener) override { listener_ = &listener; }
    kafka::topic_handle topic(std::string_view name) override;
    kafka::produce_result produce(kafka::topic_handle topic, std::int32_t partition,
                                  std::span<const kafka::record> records, void* batch) override;
    kafka::error produce_with_headers(kafka::topic_handle topic, std::int32_t partition,
                                      const kafka::record& single,
                                      std::span<const kafka::header> headers, void* batch) override;
    std::size_t outstanding() const override { return waiting_.size(); }

    /// Why nothing can be written any more; empty while all is well. Every record fails then.
    const std::string& failure() const noexcept { return failure_; }

private:
    struct report {
        void* batch;
        const char* value;
        std::uint64_t end;  // position in the output at which the record is complete
    };

    bool room();
    void accept(const kafka::record& single, void* batch);
    void flush();
    bool writable();
    bool write_some();
    void fail(int code);
    void call_later();
    void look_later();
    void tell();

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer full_;  // until a full pipe is tried again
    int fd_;
    std::function<void(const std::string&)> broken_;
    kafka::delivery_listener* listener_ = nullptr;
    std::vector<std::string> topics_;
    std::string backlog_;            // accepted, not written
    std::size_t written_of_it_ = 0;  // bytes at its front that are written
    std::uint64_t accepted_ = 0;     // bytes ever put into the backlog
    std::deque<report> waiting_;
    std::string failure_;
    bool told_failure_ = false;
    bool called_ = false;                // a handler is posted
    bool looking_ = false;               // the timer runs
    std::shared_ptr<const char> alive_;  // handlers that outlive this see it gone
};

}  // namespace logagent::agent

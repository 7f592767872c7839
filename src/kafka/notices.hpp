#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace logagent::kafka {

/// A pipe on which librdkafka's threads tell the loop something: a line each, whose first letter is
/// its kind. A full pipe drops: whoever told will tell again (a name at the next connection
/// attempt, a broker at its next change).
class notices {
public:
    explicit notices(boost::asio::any_io_executor executor);
    ~notices();
    notices(const notices&) = delete;
    notices& operator=(const notices&) = delete;

    /// From any thread. Texts with a line end or of more than 1000 bytes are dropped.
    void tell(char kind, std::string_view text) const noexcept;

    /// Hands on every notice until stopped.
    boost::asio::awaitable<void> read(
        std::function<void(char kind, std::string_view text)> receiver);

private:
    boost::asio::posix::stream_descriptor out_;
    int in_ = -1;
};

}  // namespace logagent::kafka

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "demo/scenery.hpp"
#include "logagent/os/unique_fd.hpp"

namespace logagent::demo {

/// Writes all logs of the demo, some of which it rotates. Its writes block: they are small, and the
/// loop is that of a demo.
class log_writers {
public:
    /// Makes the logs, with their directories below `directory`.
    log_writers(boost::asio::any_io_executor executor, const std::string& directory);

    /// Writes until it is stopped. Throws boost::system::system_error when the disk refuses.
    boost::asio::awaitable<void> run();

    std::uint64_t lines() const noexcept { return lines_; }

private:
    struct writer {
        const log* what;
        std::string path;
        sample_source source;
        os::unique_fd file;
        double owed = 0;  // events
    };

    void write(writer& one, double seconds);
    void rotate();

    boost::asio::steady_timer timer_;
    std::vector<writer> writers_;
    std::uint64_t lines_ = 0;
};

}  // namespace logagent::demo

#pragma once

#include <memory>

#include "logagent/http/client.hpp"

namespace logagent::http {

class connector;

/// Sends requests whose bodies are made on the way, such as a file that is packed while it is sent;
/// chunked, so the length need not be known. Must outlive its calls.
class uploader {
public:
    uploader(boost::asio::any_io_executor executor, dns::resolver& names,
             client_options options = {});
    ~uploader();

    /// One request and its whole answer, which may come before the end of the body. What `body`
    /// throws ends the call: the peer sees a body that breaks off.
    boost::asio::awaitable<result<response>> send(endpoint to, request what, body_slices body,
                                                  client::clock::time_point deadline);

private:
    std::unique_ptr<connector> connector_;
};

}  // namespace logagent::http

#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "logagent/http/client.hpp"

namespace logagent::http {

/// A text that is another one when the file is; the file need not be there.
std::string mark_of(const std::string& path);

/// The TLS set-up of a client, read from its files and read again when one of them has changed.
class tls_setup {
public:
    explicit tls_setup(tls_options options) : options_{std::move(options)} {}

    /// The context for a new connection, or what is wrong with which file.
    result<std::shared_ptr<boost::asio::ssl::context>> context();

private:
    tls_options options_;
    std::string marks_;  // of the files that context_ was made from
    std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace logagent::http

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "logagent/dns/resolver.hpp"
#include "logagent/http/client.hpp"

namespace logagent::cli {

/// Asks one agent what it does.
class status_reader {
public:
    /// `ca_file` is for an endpoint with TLS; empty = the system's.
    status_reader(boost::asio::any_io_executor executor, http::endpoint from,
                  const std::string& ca_file)
        : names_{executor}, client_{executor, names_, trusting(ca_file)}, from_{std::move(from)} {}

    /// The whole document, the pages of its files put together. Throws std::runtime_error with
    /// what to do.
    boost::asio::awaitable<boost::json::value> read(bool ledger);

    /// Nothing when it is ready, else what it or the connection says.
    boost::asio::awaitable<std::string> why_not_ready();

private:
    static http::client_options trusting(const std::string& ca_file) {
        http::client_options out;
        out.tls.ca_file = ca_file;
        return out;
    }
    boost::asio::awaitable<boost::json::value> page(std::string after);
    boost::asio::awaitable<boost::json::value> get(std::string wanted);
    std::string advice(const http::error& failure) const;

    dns::resolver names_;
    http::client client_;
    http::endpoint from_;
};

}  // namespace logagent::cli

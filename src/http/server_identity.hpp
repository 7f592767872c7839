#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "logagent/http/server.hpp"

namespace logagent::http {

/// What a server shows of itself under TLS, made from its files. Files that cannot be used leave
/// what was made before as it is.
class server_identity {
public:
    explicit server_identity(server_tls files) : files_{std::move(files)} {}

    /// Reads the files. Returns an empty string, or one sentence with what is wrong with which.
    std::string read();

    /// Whether the files are not those that read() has seen, and were left alone between two calls:
    /// a certificate and its key are replaced one after the other.
    bool replaced();

    /// For new connections; null before the first read() that worked.
    const std::shared_ptr<boost::asio::ssl::context>& context() const { return context_; }
    const certificate_view& certificate() const { return certificate_; }

    /// Whether the certificate is for this name or numeric address ("[::1]").
    bool is_for(std::string_view host) const;

private:
    std::string marks() const;

    server_tls files_;
    std::string read_marks_;  // of the files that read() has seen
    std::string seen_marks_;  // when replaced() looked last
    std::shared_ptr<boost::asio::ssl::context> context_;
    certificate_view certificate_;
};

}  // namespace logagent::http

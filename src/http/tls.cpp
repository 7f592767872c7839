#include "http/tls.hpp"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstdlib>

namespace logagent::http {

namespace asio = boost::asio;

namespace {

error broken(const std::string& what, const std::string& path,
             const boost::system::error_code& why) {
    return error{error::cause::tls, "cannot use " + what + " " + path + ": " + why.message()};
}

}  // namespace

std::string mark_of(const std::string& path) {
    struct stat seen {};
    if (path.empty() || ::stat(path.c_str(), &seen) != 0) return "-;";
    return std::to_string(seen.st_mtim.tv_sec) + "." + std::to_string(seen.st_mtim.tv_nsec) + "." +
           std::to_string(seen.st_ino) + "." + std::to_string(seen.st_size) + ";";
}

std::string default_ca_file() {
    if (const char* named = std::getenv("SSL_CERT_FILE"); named != nullptr && *named != '\0')
        return named;
    for (const char* path : {
             "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
             "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL 6
             "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL 7 and later
             "/etc/ssl/ca-bundle.pem",                             // openSUSE
             "/etc/ssl/cert.pem",                                  // Alpine
             "/usr/share/ssl/certs/ca-bundle.crt",                 // old Red Hat
         }) {
        struct stat seen {};
        if (::stat(path, &seen) == 0 && S_ISREG(seen.st_mode)) return path;
    }
    return {};
}

result<std::shared_ptr<asio::ssl::context>> tls_setup::context() {
    const std::string ca = options_.ca_file.empty() ? default_ca_file() : options_.ca_file;
    const std::string marks =
        ca + mark_of(ca) + mark_of(options_.cert_file) + mark_of(options_.key_file);
    if (context_ && marks == marks_) return context_;
    if (ca.empty())
        return error{error::cause::tls,
                     "this system has no file with CA certificates; name one in the configuration"};

    const auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX* const native = made->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    // Without this an etcd server chooses HTTP/2.
    static constexpr unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(native, protocols, sizeof protocols - 1);
    made->set_verify_mode(asio::ssl::verify_peer);

    boost::system::error_code failed;
    made->load_verify_file(ca, failed);
    if (failed) return broken("the CA file", ca, failed);
    if (!options_.cert_file.empty()) {
        const auto& key = options_.key_file.empty() ? options_.cert_file : options_.key_file;
        made->use_certificate_chain_file(options_.cert_file, failed);
        if (failed) return broken("the certificate", options_.cert_file, failed);
        made->use_private_key_file(key, asio::ssl::context::pem, failed);
        if (failed) return broken("the key", key, failed);
    }
    context_ = made;
    marks_ = marks;
    return context_;
}

}  // namespace logagent::http

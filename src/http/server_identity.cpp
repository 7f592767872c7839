#include "http/server_identity.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <ctime>

#include "http/tls.hpp"
#include "logagent/os/secret_file.hpp"

namespace logagent::http {

namespace asio = boost::asio;

namespace {

using made_context = std::shared_ptr<asio::ssl::context>;

/// Chooses HTTP/1.1; a client that offers other protocols only is refused, as RFC 7301 wants.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    static constexpr unsigned char ours[] = "\x08http/1.1";
    unsigned char* found = nullptr;
    const int outcome =
        SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// TLS 1.2 with forward secrecy and authenticated encryption only, and 1.3.
made_context new_context() {
    auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* const native = made->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    // Without it a client that comes back with a ticket is refused where certificates are asked
    // for.
    static constexpr unsigned char name[] = "logagent";
    SSL_CTX_set_session_id_context(native, name, sizeof name - 1);
    SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
    // OpenSSL would ask the terminal for a passphrase.
    SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
    return made;
}

std::string use_certificate(asio::ssl::context& into, const std::string& path) {
    const auto file = os::read_secret_text(path);
    if (!file.error.empty()) return "cannot read the certificate " + file.error;
    const auto text = file.value.text();
    boost::system::error_code failed;
    into.use_certificate_chain(asio::buffer(text.data(), text.size()), failed);
    if (failed) return "the certificate " + path + " is not one in PEM: " + failed.message();
    return {};
}

std::string use_key(asio::ssl::context& into, const server_tls& files, std::string& warning) {
    const auto& path = files.key_file;
    const auto file = os::read_secret_text(path);
    if (!file.error.empty()) return "cannot read the key " + file.error;
    warning = file.warning;
    const auto text = file.value.text();
    if (text.find("ENCRYPTED") != text.npos)
        return "the key " + path + " has a passphrase; allowed: a key in PEM without one";
    boost::system::error_code failed;
    into.use_private_key(asio::buffer(text.data(), text.size()), asio::ssl::context::pem, failed);
    const bool others =
        failed.value() != 0 &&
        ERR_GET_REASON(static_cast<unsigned long>(failed.value())) == X509_R_KEY_VALUES_MISMATCH;
    if (failed && !others) return "the key " + path + " is not one in PEM: " + failed.message();
    // A key of another kind than the certificate's is taken without a word.
    if (others || SSL_CTX_check_private_key(into.native_handle()) != 1)
        return "the key " + path + " does not belong to the certificate " + files.cert_file;
    return {};
}

std::string ask_for_certificates(asio::ssl::context& into, const std::string& path) {
    const auto file = os::read_secret_text(path);
    if (!file.error.empty()) return "cannot read the CA of clients " + file.error;
    const auto text = file.value.text();
    boost::system::error_code failed;
    into.add_certificate_authority(asio::buffer(text.data(), text.size()), failed);
    if (failed) return "the CA of clients " + path + " is not one in PEM: " + failed.message();
    into.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    return {};
}

std::int64_t unix_seconds(const ASN1_TIME* from) {
    std::tm parts{};
    return ASN1_TIME_to_tm(from, &parts) == 1 ? ::timegm(&parts) : 0;
}

}  // namespace

std::string server_identity::marks() const {
    return mark_of(files_.cert_file) + mark_of(files_.key_file) + mark_of(files_.client_ca_file);
}

std::string server_identity::read() {
    // Before reading: a file that changes meanwhile is looked at again.
    read_marks_ = seen_marks_ = marks();
    const auto made = new_context();
    certificate_view shown;
    std::string wrong = use_certificate(*made, files_.cert_file);
    if (wrong.empty()) wrong = use_key(*made, files_, shown.warning);
    if (wrong.empty() && !files_.client_ca_file.empty())
        wrong = ask_for_certificates(*made, files_.client_ca_file);
    ERR_clear_error();
    if (!wrong.empty()) return wrong;
    const X509* const own = SSL_CTX_get0_certificate(made->native_handle());
    shown.begins = unix_seconds(X509_get0_notBefore(own));
    shown.ends = unix_seconds(X509_get0_notAfter(own));
    certificate_ = std::move(shown);
    context_ = made;
    return {};
}

bool server_identity::replaced() {
    auto now = marks();
    const bool settled = now == seen_marks_;
    seen_marks_ = std::move(now);
    return settled && seen_marks_ != read_marks_;
}

bool server_identity::is_for(std::string_view host) const {
    if (!context_) return false;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    X509* const own = SSL_CTX_get0_certificate(context_->native_handle());
    const std::string text{host};
    return X509_check_host(own, text.data(), text.size(), 0, nullptr) == 1 ||
           X509_check_ip_asc(own, text.c_str(), 0) == 1;
}

}  // namespace logagent::http

#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <unistd.h>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace logagent::test {

/// A certificate authority with a server and a client certificate, as PEM files in a directory of
/// its own that goes away with the object.
class certificates {
public:
    /// `name` is the DNS name in the server's certificate; 127.0.0.1 is in it too if
    /// `with_address`.
    explicit certificates(const std::string& name, bool with_address = true)
        : directory_{std::filesystem::temp_directory_path() /
                     ("logagent-tls-" + std::to_string(::getpid()) + "-" +
                      std::to_string(reinterpret_cast<std::uintptr_t>(this)))} {
        std::filesystem::create_directories(directory_);
        const auto ca_key = make_key();
        const auto ca = make("test ca", ca_key.get(), nullptr, ca_key.get(), "", true);
        write(ca_file(), ca.get(), nullptr);
        const auto server_key = make_key();
        const std::string names = "DNS:" + name + (with_address ? ",IP:127.0.0.1" : "");
        const auto server = make("server", server_key.get(), ca.get(), ca_key.get(), names, false);
        write(server_file(), server.get(), server_key.get());
        const auto client_key = make_key();
        const auto client = make("", client_key.get(), ca.get(), ca_key.get(), "", false);
        write(client_file(), client.get(), client_key.get());
    }
    ~certificates() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    certificates(const certificates&) = delete;
    certificates& operator=(const certificates&) = delete;

    std::string ca_file() const { return directory_ / "ca.pem"; }
    std::string server_file() const { return directory_ / "server.pem"; }  // with its key
    std::string client_file() const {
        return directory_ / "client.pem";
    }  // with its key, no name in it

private:
    using key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
    using certificate = std::unique_ptr<X509, decltype(&X509_free)>;

    static key make_key() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

    static certificate make(const std::string& common_name, EVP_PKEY* own, X509* issuer,
                            EVP_PKEY* signer, const std::string& names, bool authority) {
        static long serial = 1;
        certificate made{X509_new(), &X509_free};
        X509_set_version(made.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
        X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), 86400);
        X509_set_pubkey(made.get(), own);
        X509_NAME* subject = X509_get_subject_name(made.get());
        const auto add = [&](const char* field, const std::string& value) {
            X509_NAME_add_entry_by_txt(subject, field, MBSTRING_ASC,
                                       reinterpret_cast<const unsigned char*>(value.c_str()), -1,
                                       -1, 0);
        };
        add("O", "logagent test");
        if (!common_name.empty()) add("CN", common_name);
        X509_set_issuer_name(made.get(),
                             X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
        extend(made.get(), issuer, NID_basic_constraints,
               authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
        if (!names.empty()) extend(made.get(), issuer, NID_subject_alt_name, names);
        if (X509_sign(made.get(), signer, EVP_sha256()) == 0)
            throw std::runtime_error{"test: cannot sign a certificate"};
        return made;
    }

    static void extend(X509* made, X509* issuer, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer == nullptr ? made : issuer, made, nullptr, nullptr, 0);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        if (extension == nullptr) throw std::runtime_error{"test: bad extension " + value};
        X509_add_ext(made, extension, -1);
        X509_EXTENSION_free(extension);
    }

    static void write(const std::string& path, X509* made, EVP_PKEY* own) {
        std::FILE* file = std::fopen(path.c_str(), "w");
        if (file == nullptr) throw std::runtime_error{"test: cannot write " + path};
        PEM_write_X509(file, made);
        if (own != nullptr) PEM_write_PrivateKey(file, own, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
    }

    std::filesystem::path directory_;
};

}  // namespace logagent::test

#include "token.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <stdexcept>

#include "logagent/base/bytes.hpp"

namespace logagent::web {

namespace {

constexpr std::string_view mark = "lgw_";
constexpr std::size_t secret_length = 43;  // base64url of 32 bytes

std::string sha256(std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

std::string checksum(std::string_view token) {
    return base::base64url_encode(sha256(token).substr(0, 4));
}

}  // namespace

std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) != 1)
        throw std::runtime_error{"OpenSSL has no random bytes"};
    return bytes;
}

std::string sha256_hex(std::string_view bytes) {
    return base::hex_encode(sha256(bytes));
}

std::string new_token() {
    std::string token{mark};
    token += base::base64url_encode(random_bytes(32));
    return token + checksum(token);
}

bool looks_like_token(std::string_view text) {
    const auto body = mark.size() + secret_length;
    return text.size() > body && text.starts_with(mark) &&
           text.substr(body) == checksum(text.substr(0, body));
}

bool same_secret(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace logagent::web

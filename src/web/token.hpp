#pragma once

#include <string>
#include <string_view>

namespace logagent::web {

/// `size` bytes that nobody can guess, from OpenSSL's generator.
std::string random_bytes(std::size_t size);

/// SHA-256 as 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// A new bearer token: "lgw_", 43 characters of base64url for 256 random bits, and 6 characters of
/// a checksum, so that scanners and typing errors are told from real ones.
std::string new_token();

/// The form and the checksum are right; says nothing about whether it is anybody's.
bool looks_like_token(std::string_view text);

/// Compares without telling by its time where the texts differ.
bool same_secret(std::string_view one, std::string_view other);

}  // namespace logagent::web

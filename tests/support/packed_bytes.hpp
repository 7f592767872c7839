#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace logagent::test {

/// As gzip would write it.
inline std::string gzipped(std::string_view plain) {
    z_stream stream{};
    if (::deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::runtime_error{"deflateInit2"};
    std::string out(::deflateBound(&stream, plain.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error{"deflate"};
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

}  // namespace logagent::test

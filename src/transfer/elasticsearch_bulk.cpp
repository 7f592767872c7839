#include "transfer/elasticsearch_bulk.hpp"

// In here, since librdkafka brings an old copy of the library and only one of them can be linked.
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zlib.h>
#include <new>

#include "logagent/base/bytes.hpp"

namespace logagent::transfer {

namespace {

constexpr std::size_t compressed_at_once = 64 << 10;
constexpr int gzip_window = 15 + 16;  // zlib's way to ask for gzip

}  // namespace

std::string document_id(const document& of) {
    std::string all;
    all.reserve(of.host.size() + 1 + of.id.size());
    all += of.host;
    all += '\0';
    all += of.id;
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits(all.data(), all.size()));
    return base::base64url_encode(
        {reinterpret_cast<const char*>(bytes.digest), sizeof bytes.digest});
}

struct bulk_body::compressor {
    compressor() {
        if (::deflateInit2(&stream, 1, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc{};
    }
    ~compressor() { ::deflateEnd(&stream); }
    compressor(const compressor&) = delete;
    compressor& operator=(const compressor&) = delete;

    z_stream stream{};
};

bulk_body::bulk_body(bool gzip, std::size_t expected)
    : gzip_{gzip ? std::make_unique<compressor>() : nullptr} {
    if (!gzip) text_.reserve(expected);
}
bulk_body::~bulk_body() = default;

void bulk_body::add(std::string_view index, std::string_view id, std::string_view document) {
    const auto before = text_.size();
    text_ += "{\"create\":{\"_index\":\"";
    text_ += index;  // names and ids hold nothing that JSON would have to escape
    text_ += "\",\"_id\":\"";
    text_ += id;
    text_ += "\"}}\n";
    text_ += document;
    text_ += '\n';
    size_ += text_.size() - before;
    if (gzip_ && text_.size() >= compressed_at_once) compress(false);
}

void bulk_body::compress(bool last) {
    z_stream& stream = gzip_->stream;
    stream.next_in = reinterpret_cast<Bytef*>(text_.data());
    stream.avail_in = static_cast<uInt>(text_.size());
    int code = Z_OK;
    do {
        const auto before = packed_.size();
        packed_.resize(before + compressed_at_once);
        stream.next_out = reinterpret_cast<Bytef*>(packed_.data() + before);
        stream.avail_out = compressed_at_once;
        code = ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
        packed_.resize(packed_.size() - stream.avail_out);
    } while (last ? code != Z_STREAM_END : stream.avail_out == 0);
    text_.clear();
}

std::string bulk_body::finish() {
    if (!gzip_) return std::move(text_);
    compress(true);
    return std::move(packed_);
}

}  // namespace logagent::transfer

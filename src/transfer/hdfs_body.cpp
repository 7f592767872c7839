#include "transfer/hdfs_body.hpp"

#include <zlib.h>
#include <zstd.h>

#include <new>
#include <stdexcept>

namespace logagent::transfer {

namespace {

constexpr std::size_t piece_size = 64 << 10;

/// Turns the pieces of a file into those of the packed one.
class packer {
public:
    virtual ~packer() = default;

    /// Appends to `out` what comes of `piece`, perhaps nothing; `last`: no piece follows.
    virtual void pack(std::string_view piece, bool last, std::string& out) = 0;
};

class plain final : public packer {
public:
    void pack(std::string_view piece, bool, std::string& out) override { out.append(piece); }
};

class gzip final : public packer {
public:
    gzip() {
        constexpr int with_gzip_header = 16;
        constexpr int level = 6, memory = 8;
        if (::deflateInit2(&stream_, level, Z_DEFLATED, MAX_WBITS + with_gzip_header, memory,
                           Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc{};
    }
    ~gzip() override { ::deflateEnd(&stream_); }
    gzip(const gzip&) = delete;
    gzip& operator=(const gzip&) = delete;

    void pack(std::string_view piece, bool last, std::string& out) override {
        // zlib's interface is older than const; it only reads.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
        stream_.avail_in = static_cast<uInt>(piece.size());
        int code = Z_OK;
        do {
            const auto size = out.size();
            out.resize(size + piece_size);
            stream_.next_out = reinterpret_cast<Bytef*>(out.data() + size);
            stream_.avail_out = piece_size;
            code = ::deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
            out.resize(out.size() - stream_.avail_out);
        } while (stream_.avail_out == 0 && code != Z_STREAM_END);
    }

private:
    ::z_stream stream_{};
};

class zstd final : public packer {
public:
    zstd() : context_{::ZSTD_createCCtx()} {
        if (context_ == nullptr) throw std::bad_alloc{};
        // A window of 1 MiB keeps an upload at a few MiB of memory.
        ::ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, 3);
        ::ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 20);
        ::ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
    }
    ~zstd() override { ::ZSTD_freeCCtx(context_); }
    zstd(const zstd&) = delete;
    zstd& operator=(const zstd&) = delete;

    void pack(std::string_view piece, bool last, std::string& out) override {
        ::ZSTD_inBuffer in{piece.data(), piece.size(), 0};
        for (bool more = true; more;) {
            const auto size = out.size();
            out.resize(size + piece_size);
            ::ZSTD_outBuffer to{out.data() + size, piece_size, 0};
            const auto left =
                ::ZSTD_compressStream2(context_, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
            out.resize(size + to.pos);
            if (::ZSTD_isError(left)) throw std::runtime_error{::ZSTD_getErrorName(left)};
            more = last ? left > 0 : in.pos < in.size;
        }
    }

private:
    ::ZSTD_CCtx* context_;
};

std::unique_ptr<packer> create_packer(const std::string& compress) {
    if (compress == "gzip") return std::make_unique<gzip>();
    if (compress == "zstd") return std::make_unique<zstd>();
    return std::make_unique<plain>();
}

/// Reads, packs and counts.
class body_source {
public:
    body_source(const hdfs_spool& spool, const std::string& compress,
                std::shared_ptr<hdfs_body_length> length)
        : spool_{spool}, packer_{create_packer(compress)}, length_{std::move(length)} {
        *length_ = {};
    }

    std::string next() {
        std::string out;
        while (out.empty() && !ended_) {
            piece_.resize(piece_size);
            piece_.resize(spool_.read(piece_.data(), piece_size, read_));
            read_ += piece_.size();
            ended_ = read_ >= spool_.size();
            packer_->pack(piece_, ended_, out);
        }
        length_->bytes += out.size();
        length_->whole = out.empty();
        return out;
    }

private:
    const hdfs_spool& spool_;
    std::unique_ptr<packer> packer_;
    std::shared_ptr<hdfs_body_length> length_;
    std::string piece_;
    std::uint64_t read_ = 0;
    bool ended_ = false;
};

}  // namespace

http::body_slices hdfs_body(const hdfs_spool& spool, const std::string& compress,
                            std::shared_ptr<hdfs_body_length> length) {
    auto source = std::make_shared<body_source>(spool, compress, std::move(length));
    return [source] { return source->next(); };
}

}  // namespace logagent::transfer

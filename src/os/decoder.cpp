#include "os/decoder.hpp"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace logagent::os {

namespace {

constexpr int largest_zstd_window = 23;  // 8 MiB, what RFC 8878 asks of every decoder

class gzip_decoder final : public decoder {
public:
    gzip_decoder() { ready_ = ::inflateInit2(&stream_, gzip_only + MAX_WBITS) == Z_OK; }
    ~gzip_decoder() override {
        if (ready_) ::inflateEnd(&stream_);
    }
    gzip_decoder(const gzip_decoder&) = delete;
    gzip_decoder& operator=(const gzip_decoder&) = delete;

    outcome decode(std::span<const char> packed, std::span<char> out) override {
        outcome result;
        if (!ready_) {
            result.error = ENOMEM;
            return result;
        }
        if (between_) {
            result.consumed = skip_padding(packed);
            packed = packed.subspan(result.consumed);
            result.between = true;
            if (packed.empty()) return result;
            if (padded_) {  // data behind padding is not a member
                result.error = EBADMSG;
                return result;
            }
            ::inflateReset(&stream_);
            between_ = result.between = false;
        }
        // zlib's interface is older than const; it only reads.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
        stream_.avail_in = clamp(packed.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = clamp(out.size());
        const auto in = stream_.avail_in;
        const auto room = stream_.avail_out;
        const int code = ::inflate(&stream_, Z_NO_FLUSH);
        result.consumed += in - stream_.avail_in;
        result.produced = room - stream_.avail_out;
        if (code == Z_STREAM_END) {
            between_ = result.between = true;
        } else if (code == Z_MEM_ERROR) {
            result.error = ENOMEM;
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            result.error = EBADMSG;
        }
        return result;
    }

    void reset() override {
        if (ready_) ::inflateReset(&stream_);
        between_ = padded_ = false;
    }

private:
    static constexpr int gzip_only = 16;  // added to the window's bits: a gzip header is required

    static uInt clamp(std::size_t size) {
        return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
    }
    std::size_t skip_padding(std::span<const char> packed) {
        const auto data = std::find_if(packed.begin(), packed.end(), [](char c) { return c != 0; });
        const auto zeros = static_cast<std::size_t>(data - packed.begin());
        padded_ = padded_ || zeros > 0;
        return zeros;
    }

    z_stream stream_{};
    bool ready_ = false;
    bool between_ = false;
    bool padded_ = false;
};

class zstd_decoder final : public decoder {
public:
    zstd_decoder() : stream_{::ZSTD_createDCtx()} {
        if (stream_) ::ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, largest_zstd_window);
    }
    ~zstd_decoder() override { ::ZSTD_freeDCtx(stream_); }
    zstd_decoder(const zstd_decoder&) = delete;
    zstd_decoder& operator=(const zstd_decoder&) = delete;

    outcome decode(std::span<const char> packed, std::span<char> out) override {
        outcome result;
        if (!stream_) {
            result.error = ENOMEM;
            return result;
        }
        // Asked too often without anything to do, it takes that for an error.
        result.between = between_;
        if (packed.empty() && !more_to_come_) return result;
        ZSTD_inBuffer in{packed.data(), packed.size(), 0};
        ZSTD_outBuffer room{out.data(), out.size(), 0};
        const auto code = ::ZSTD_decompressStream(stream_, &room, &in);
        result.consumed = in.pos;
        result.produced = room.pos;
        more_to_come_ = room.pos == room.size;
        if (::ZSTD_isError(code)) {
            result.error = error_of(::ZSTD_getErrorCode(code));
        } else if (in.pos > 0 || room.pos > 0) {
            between_ = code == 0;
        }
        result.between = between_;
        return result;
    }

    void reset() override {
        if (stream_) ::ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only);
        between_ = more_to_come_ = false;
    }

private:
    static int error_of(ZSTD_ErrorCode code) {
        switch (code) {
            case ZSTD_error_memory_allocation:
                return ENOMEM;
            case ZSTD_error_frameParameter_windowTooLarge:
            case ZSTD_error_frameParameter_unsupported:
            case ZSTD_error_dictionary_wrong:
                return ENOTSUP;
            default:
                return EBADMSG;
        }
    }

    ZSTD_DCtx* stream_;
    bool between_ = false;
    bool more_to_come_ = false;  // the output was full, so input is not all that it waits for
};

}  // namespace

std::unique_ptr<decoder> make_decoder(compression kind) {
    if (kind == compression::gzip) return std::make_unique<gzip_decoder>();
    return std::make_unique<zstd_decoder>();
}

}  // namespace logagent::os

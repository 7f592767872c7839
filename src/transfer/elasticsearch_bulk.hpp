#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "logagent/transfer/document.hpp"

namespace logagent::transfer {

/// The `_id` of a document: 22 characters, a hash of its host and its event_id, so that whatever is
/// sent again meets itself. The host is in it since a copied machine keeps the generations of its
/// files.
std::string document_id(const document& of);

/// The body of a _bulk request, compressed as it grows if that is wanted.
class bulk_body {
public:
    /// `expected`: how large it may become, for its memory.
    explicit bulk_body(bool gzip, std::size_t expected = 0);
    ~bulk_body();

    void add(std::string_view index, std::string_view id, std::string_view document);

    /// Bytes so far, before compression: what the server's limits count.
    std::size_t size() const noexcept { return size_; }

    /// The whole body. Nothing can be added any more.
    std::string finish();

private:
    struct compressor;

    void compress(bool last);

    std::unique_ptr<compressor> gzip_;  // null: not wanted
    std::string text_;                  // what is not compressed yet, or everything
    std::string packed_;
    std::size_t size_ = 0;
};

}  // namespace logagent::transfer

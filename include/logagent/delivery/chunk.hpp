#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "logagent/delivery/budget.hpp"

namespace logagent::delivery {

class chunk_pool;

/// A buffer of file bytes that Kafka's client borrows from; freed when nobody refers to it any
/// more. Everything happens on the loop thread, so the count is a plain number.
class chunk {
public:
    char* data() noexcept { return bytes_; }
    std::size_t capacity() const noexcept { return capacity_; }

    /// Bytes handed out so far; reads of several files share what is left.
    std::size_t used() const noexcept { return used_; }
    std::span<char> room() noexcept { return {bytes_ + used_, capacity_ - used_}; }
    void use(std::size_t bytes) noexcept { used_ += bytes; }

    bool holds(const char* pointer) const noexcept {
        return pointer >= bytes_ && pointer < bytes_ + capacity_;
    }

private:
    friend class chunk_pool;
    friend class chunk_ref;

    chunk_pool* pool_ = nullptr;
    std::uint32_t references_ = 0;
    std::size_t capacity_ = 0;
    std::size_t used_ = 0;
    char* bytes_ = nullptr;
};

/// Shared ownership of a chunk.
class chunk_ref {
public:
    chunk_ref() = default;
    explicit chunk_ref(chunk* referred) noexcept : chunk_{referred} { retain(); }
    chunk_ref(const chunk_ref& other) noexcept : chunk_{other.chunk_} { retain(); }
    chunk_ref(chunk_ref&& other) noexcept : chunk_{std::exchange(other.chunk_, nullptr)} {}
    chunk_ref& operator=(chunk_ref other) noexcept {
        std::swap(chunk_, other.chunk_);
        return *this;
    }
    ~chunk_ref() { release(); }

    explicit operator bool() const noexcept { return chunk_ != nullptr; }
    chunk& operator*() const noexcept { return *chunk_; }
    chunk* operator->() const noexcept { return chunk_; }

private:
    void retain() noexcept {
        if (chunk_) ++chunk_->references_;
    }
    void release() noexcept;

    chunk* chunk_ = nullptr;
};

/// Makes chunks, charges their capacity to the budget while they live, and keeps a few for reuse.
/// Must outlive every reference.
class chunk_pool {
public:
    static constexpr std::size_t small = 64 * 1024;   // shared by files with little to read
    static constexpr std::size_t large = 256 * 1024;  // a file that is catching up

    explicit chunk_pool(budget& charged) noexcept : budget_{charged} {}
    ~chunk_pool();
    chunk_pool(const chunk_pool&) = delete;
    chunk_pool& operator=(const chunk_pool&) = delete;

    /// A chunk of at least `capacity` bytes.
    chunk_ref allocate(std::size_t capacity);

    /// Gives the memory that is kept for reuse back to the system.
    void trim() noexcept;

private:
    friend class chunk_ref;

    void recycle(chunk* unused) noexcept;
    static void destroy(chunk* unused) noexcept;

    // More spares would only hold memory: a saturated pipeline turns over a few chunks at a time.
    static constexpr std::size_t most_spares = 16;

    budget& budget_;
    std::vector<chunk*> spare_small_;
    std::vector<chunk*> spare_large_;
};

inline void chunk_ref::release() noexcept {
    if (chunk_ && --chunk_->references_ == 0) chunk_->pool_->recycle(chunk_);
    chunk_ = nullptr;
}

}  // namespace logagent::delivery

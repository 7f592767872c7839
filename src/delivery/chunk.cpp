#include "logagent/delivery/chunk.hpp"

#include <cassert>
#include <cstdlib>
#include <new>

namespace logagent::delivery {

chunk_pool::~chunk_pool() {
    trim();
}

chunk_ref chunk_pool::allocate(std::size_t capacity) {
    std::vector<chunk*>* spares = nullptr;
    if (capacity <= small) {
        capacity = small;
        spares = &spare_small_;
    } else if (capacity <= large) {
        capacity = large;
        spares = &spare_large_;
    }
    chunk* made = nullptr;
    if (spares && !spares->empty()) {
        made = spares->back();
        spares->pop_back();
    } else {
        made = new chunk;
        made->bytes_ = static_cast<char*>(std::malloc(capacity));
        if (!made->bytes_) throw std::bad_alloc{};
        made->capacity_ = capacity;
        made->pool_ = this;
    }
    made->used_ = 0;
    budget_.charge(made->capacity_);
    return chunk_ref{made};
}

void chunk_pool::recycle(chunk* unused) noexcept {
    budget_.release(unused->capacity_);
    auto& spares = unused->capacity_ == small ? spare_small_ : spare_large_;
    const bool reusable = unused->capacity_ == small || unused->capacity_ == large;
    // Room for most_spares is reserved on first use, so this cannot throw later.
    if (reusable && spares.size() < most_spares) {
        try {
            spares.reserve(most_spares);
            spares.push_back(unused);
            return;
        } catch (const std::bad_alloc&) {
        }
    }
    destroy(unused);
}

void chunk_pool::trim() noexcept {
    for (auto* spares : {&spare_small_, &spare_large_}) {
        for (chunk* unused : *spares)
            destroy(unused);
        spares->clear();
    }
}

void chunk_pool::destroy(chunk* unused) noexcept {
    assert(unused->references_ == 0);
    std::free(unused->bytes_);
    delete unused;
}

}  // namespace logagent::delivery

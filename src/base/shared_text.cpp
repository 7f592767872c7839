#include "logagent/base/shared_text.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <ostream>
#include <unordered_set>

namespace logagent::base {

/// The characters stand behind it.
struct shared_text::bytes {
    std::uint32_t users;
    std::uint32_t size;

    std::string_view view() const noexcept {
        return {reinterpret_cast<const char*>(this + 1), size};
    }
};

struct shared_text::pool {
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
        std::size_t operator()(const bytes* of) const noexcept { return (*this)(of->view()); }
    };
    struct equal {
        using is_transparent = void;
        bool operator()(const bytes* left, const bytes* right) const noexcept {
            return left == right;
        }
        bool operator()(std::string_view left, const bytes* right) const noexcept {
            return left == right->view();
        }
        bool operator()(const bytes* left, std::string_view right) const noexcept {
            return left->view() == right;
        }
    };
    using set = std::unordered_set<bytes*, hash, equal>;

    /// Never destroyed: texts in other objects of static life may outlive everything here.
    static set& all() noexcept {
        static set& living = *new set;
        return living;
    }
};

shared_text::shared_text(std::string_view text) {
    if (text.empty()) return;
    auto& all = pool::all();
    if (const auto found = all.find(text); found != all.end()) {
        of_ = *found;
        ++of_->users;
        return;
    }
    void* const memory = ::operator new(sizeof(bytes) + text.size());
    of_ = new (memory) bytes{1, static_cast<std::uint32_t>(text.size())};
    std::memcpy(of_ + 1, text.data(), text.size());
    all.insert(of_);
}

std::string_view shared_text::view() const noexcept {
    return of_ ? of_->view() : std::string_view{};
}

std::size_t shared_text::living() noexcept {
    return pool::all().size();
}

void shared_text::retain() const noexcept {
    if (of_) ++of_->users;
}

void shared_text::release() noexcept {
    if (!of_ || --of_->users > 0) return;
    pool::all().erase(of_);
    ::operator delete(of_);
}

std::ostream& operator<<(std::ostream& out, const shared_text& text) {
    return out << text.view();
}

}  // namespace logagent::base

#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace logagent::base {

/// A text that is kept in many places and there once: equal ones share their bytes, counted.
///
/// As large as a pointer, and cheap to copy and to compare. For what thousands of objects name and
/// seldom changes, such as paths and topics; making one looks it up among all that live. Never
/// changes; the empty one owns nothing. All of a process belong to one thread.
class shared_text {
public:
    shared_text() noexcept = default;
    shared_text(std::string_view text);
    shared_text(const std::string& text) : shared_text{std::string_view{text}} {}
    shared_text(const char* text) : shared_text{std::string_view{text}} {}
    shared_text(const shared_text& other) noexcept : of_{other.of_} { retain(); }
    shared_text(shared_text&& other) noexcept : of_{std::exchange(other.of_, nullptr)} {}
    shared_text& operator=(shared_text other) noexcept {
        std::swap(of_, other.of_);
        return *this;
    }
    ~shared_text() { release(); }

    /// Valid as long as any equal text lives.
    std::string_view view() const noexcept;
    operator std::string_view() const noexcept { return view(); }
    std::string str() const { return std::string{view()}; }
    bool empty() const noexcept { return of_ == nullptr; }
    std::size_t size() const noexcept { return view().size(); }

    /// Different texts in the process.
    static std::size_t living() noexcept;

    template <std::same_as<shared_text> Other>
    friend bool operator==(const shared_text& left, const Other& right) noexcept {
        return left.of_ == right.of_;
    }
    template <class Other>
    requires(!std::same_as<Other, shared_text> &&
             std::convertible_to<const Other&, std::string_view>) friend bool
    operator==(const shared_text& left, const Other& right) noexcept {
        return left.view() == std::string_view{right};
    }
    friend std::strong_ordering operator<=>(const shared_text& left,
                                            const shared_text& right) noexcept {
        if (left.of_ == right.of_) return std::strong_ordering::equal;
        return left.view() <=> right.view();
    }
    friend std::ostream& operator<<(std::ostream& out, const shared_text& text);

private:
    struct bytes;
    struct pool;

    void retain() const noexcept;
    void release() noexcept;

    bytes* of_ = nullptr;
};

}  // namespace logagent::base

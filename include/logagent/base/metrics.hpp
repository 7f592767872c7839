#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace logagent::base {

/// A page of metrics in Prometheus' text format 0.0.4.
///
/// Values live in the objects that own them; a page is written anew for each scrape. Call family()
/// once for a name, then sample() for each of its label sets. Long pages are written in slices:
/// take() what is there, send it, go on.
class metrics_page {
public:
    enum class kind : std::uint8_t { counter, gauge };
    using label = std::pair<std::string_view, std::string_view>;

    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family. `name` comes without the prefix "logagent_", in base units; a counter's
    /// name ends in "_total".
    void family(std::string_view name, kind what, std::string_view help);

    /// One value of the current family. Label values may be any bytes; what is not UTF-8 is
    /// repaired.
    void sample(std::initializer_list<label> labels, std::uint64_t value);
    void sample(std::initializer_list<label> labels, std::int64_t value);
    void sample(std::initializer_list<label> labels, double value);
    void sample(std::uint64_t value) { sample({}, value); }
    void sample(std::int64_t value) { sample({}, value); }
    void sample(double value) { sample({}, value); }

    std::size_t size() const noexcept { return text_.size(); }

    /// What was written since the last call.
    std::string take();

private:
    void begin_sample(std::initializer_list<label> labels);

    std::string text_;
    std::string name_;
};

}  // namespace logagent::base

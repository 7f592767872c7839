#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::agent {

/// Writes one JSON value piece by piece: what is written can be taken away at any time and the rest
/// goes on. Whatever bytes come in, the text is valid JSON. Pairing open and close is the caller's.
class json_writer {
public:
    json_writer& open(char bracket) {  // '{' or '['
        separate();
        out_.push_back(bracket);
        first_ = true;
        return *this;
    }
    json_writer& close(char bracket) {
        out_.push_back(bracket);
        first_ = false;
        return *this;
    }
    json_writer& key(std::string_view name) {
        separate();
        base::append_json_string(out_, name);
        out_.push_back(':');
        first_ = true;
        return *this;
    }

    json_writer& value(std::string_view text) {
        separate();
        base::append_json_string(out_, text);
        return *this;
    }
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) json_writer& value(Number number) {
        separate();
        out_ += std::to_string(number);
        return *this;
    }
    /// Rounded to thousandths; what is no number is 0.
    json_writer& value(double number);
    json_writer& null() { return raw("null"); }
    json_writer& boolean(bool yes) { return raw(yes ? "true" : "false"); }
    /// A value that is JSON already.
    json_writer& raw(std::string_view json) {
        separate();
        out_ += json;
        return *this;
    }

    template <class Value>
    json_writer& member(std::string_view name, const Value& what) {
        return key(name).value(what);
    }

    std::size_t size() const noexcept { return out_.size(); }
    std::string take() { return std::exchange(out_, {}); }

private:
    void separate() {
        if (!first_) out_.push_back(',');
        first_ = false;
    }

    std::string out_;
    bool first_ = true;
};

/// "2026-03-04T05:06:07.089Z".
std::string utc_time(std::int64_t wall_ms);

}  // namespace logagent::agent

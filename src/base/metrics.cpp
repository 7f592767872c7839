#include "logagent/base/metrics.hpp"

#include <charconv>
#include <cmath>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::base {

namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    std::string repaired;
    append_repaired(repaired, text);
    for (const char c : repaired) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\\') {
            out += "\\\\";
        } else if (c == '"' && quotes) {
            out += "\\\"";
        } else {
            out.push_back(c);
        }
    }
}

void append_double(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else {
        char room[32];
        out.append(room, std::to_chars(room, room + sizeof room, value).ptr);
    }
}

}  // namespace

void metrics_page::family(std::string_view name, kind what, std::string_view help) {
    name_ = "logagent_";
    name_ += name;
    text_ += "# HELP " + name_ + ' ';
    append_escaped(text_, help, false);
    text_ += "\n# TYPE " + name_ + (what == kind::counter ? " counter\n" : " gauge\n");
}

void metrics_page::begin_sample(std::initializer_list<label> labels) {
    text_ += name_;
    char before = '{';
    for (const auto& [key, value] : labels) {
        text_.push_back(before);
        text_ += key;
        text_ += "=\"";
        append_escaped(text_, value, true);
        text_.push_back('"');
        before = ',';
    }
    if (before == ',') text_.push_back('}');
    text_.push_back(' ');
}

void metrics_page::sample(std::initializer_list<label> labels, std::uint64_t value) {
    begin_sample(labels);
    append_number(text_, value);
    text_.push_back('\n');
}

void metrics_page::sample(std::initializer_list<label> labels, std::int64_t value) {
    begin_sample(labels);
    append_number(text_, value);
    text_.push_back('\n');
}

void metrics_page::sample(std::initializer_list<label> labels, double value) {
    begin_sample(labels);
    append_double(text_, value);
    text_.push_back('\n');
}

std::string metrics_page::take() {
    return std::exchange(text_, {});
}

}  // namespace logagent::base

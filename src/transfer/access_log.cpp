#include <algorithm>
#include <array>
#include <optional>

#include "logagent/base/escape.hpp"
#include "transfer/line_fields.hpp"

namespace logagent::transfer {

namespace {

/// Takes a line apart from its front.
struct line_reader {
    std::string_view rest;

    bool eat(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    /// Up to `end`, which is taken too.
    std::optional<std::string_view> until(std::string_view end) {
        const auto at = rest.find(end);
        if (at == std::string_view::npos) return std::nullopt;
        const auto text = rest.substr(0, at);
        rest.remove_prefix(at + end.size());
        return text;
    }
    /// What stands in quotes; a quote behind a backslash does not end it.
    std::optional<std::string_view> quoted() {
        if (!eat('"')) return std::nullopt;
        for (std::size_t at = 0; at < rest.size(); ++at) {
            if (rest[at] == '\\') {
                ++at;
            } else if (rest[at] == '"') {
                const auto text = rest.substr(0, at);
                rest.remove_prefix(at + 1);
                return text;
            }
        }
        return std::nullopt;
    }
    /// Up to the next blank, which is taken too, or to the end.
    std::string_view word() {
        const auto at = std::min(rest.find(' '), rest.size());
        const auto text = rest.substr(0, at);
        rest.remove_prefix(std::min(at + 1, rest.size()));
        return text;
    }
};

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 18 && (text.size() == 1 || text[0] != '0') &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class object_writer {
public:
    explicit object_writer(std::string& out) : out_{out} { out_ += '{'; }
    ~object_writer() { out_ += '}'; }
    object_writer(const object_writer&) = delete;
    object_writer& operator=(const object_writer&) = delete;

    void text(std::string_view name, std::string_view value) {
        if (value.empty() || value == "-") return;
        begin(name);
        base::append_json_string(out_, value);
    }
    void number(std::string_view name, std::string_view digits) {
        if (!is_number(digits)) return;
        begin(name);
        out_ += digits;
    }

private:
    void begin(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
    }

    std::string& out_;
    bool first_ = true;
};

/// "GET /index.html HTTP/1.1"; what a client sent may be anything.
void append_request(object_writer& fields, std::string_view request) {
    const auto first = request.find(' ');
    const auto last = request.rfind(' ');
    if (first == std::string_view::npos || first == last ||
        !request.substr(last + 1).starts_with("HTTP/")) {
        fields.text("request", request);
        return;
    }
    fields.text("request_method", request.substr(0, first));
    fields.text("request_uri", request.substr(first + 1, last - first - 1));
    fields.text("server_protocol", request.substr(last + 1));
}

}  // namespace

bool append_access_log_fields(std::string& out, std::string_view line) {
    line_reader from{line};
    const auto address = from.word();
    const auto identity = from.word();
    const auto user = from.until(" [");
    const auto moment = from.until("] ");
    const auto request = from.quoted();
    if (address.empty() || identity.empty() || !user || !moment || !request || !from.eat(' '))
        return false;
    const auto status = from.word();
    const auto bytes = from.word();
    if (!is_number(status) || (!is_number(bytes) && bytes != "-")) return false;
    // The common format ends here; `main` has one more than `combined`.
    std::array<std::string_view, 3> more;
    for (auto& text : more) {
        const auto next = from.quoted();
        if (!next) break;
        text = *next;
        if (!from.eat(' ')) break;
    }
    object_writer fields{out};
    fields.text("remote_addr", address);
    fields.text("remote_user", *user);
    append_request(fields, *request);
    fields.number("status", status);
    fields.number("body_bytes_sent", bytes);
    fields.text("http_referer", more[0]);
    fields.text("http_user_agent", more[1]);
    fields.text("http_x_forwarded_for", more[2]);
    return true;
}

}  // namespace logagent::transfer

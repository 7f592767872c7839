#include "logagent/base/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <utility>

#include "base/strict_handler.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::base {

namespace {

struct reason {
    std::string code;
    std::string text;
};

/// The library's error in our words.
reason reason_of(const boost::system::error_code& ec) {
    if (ec == json::error::incomplete) return {"incomplete", "the document ends too early"};
    if (ec == json::error::too_deep) return {"depth", "values are nested too deeply"};
    if (ec == json::error::exponent_overflow) return {"number", "the number is too large"};
    if (ec == json::error::illegal_leading_surrogate ||
        ec == json::error::illegal_trailing_surrogate || ec == json::error::expected_utf16_escape)
        return {"utf8", "the text is not valid UTF-8"};
    return {"syntax", "not valid JSON: " + ec.message()};
}

/// Whether the parser stopped in a character that is none; the library calls that a syntax error.
bool is_broken_utf8(std::string_view piece, std::size_t at) {
    if (at >= piece.size()) return false;
    std::size_t begin = at;
    while (begin > 0 && at - begin < 3 && (static_cast<unsigned char>(piece[begin]) & 0xC0) == 0x80)
        --begin;
    const auto stopped_in = first_character(piece.substr(begin));
    return !stopped_in.valid && begin + stopped_in.length < piece.size();
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

struct json_parser::state {
    explicit state(json_limits given) : limits{given}, parser{options(given)} {
        parser.handler().collect = given.collect_faults;
    }

    static json::parse_options options(const json_limits& limits) {
        json::parse_options options;
        options.max_depth = limits.max_depth;
        return options;
    }

    bool fail(json_error why) {
        error = std::move(why);
        failed = true;
        return false;
    }

    bool check(const boost::system::error_code& ec, std::string_view piece, std::size_t taken) {
        if (!ec) return true;
        const auto offset = consumed + taken;
        auto& handler = parser.handler();
        if (handler.failure) {
            handler.failure->offset = offset;
            return fail(std::move(*handler.failure));
        }
        auto [code, text] = reason_of(ec);
        if (code == "syntax" && is_broken_utf8(piece, taken)) {
            code = "utf8";
            text = "the text is not valid UTF-8";
        }
        return fail({handler.pointer(), std::move(code), std::move(text), offset});
    }

    json_limits limits;
    json::basic_parser<strict_handler> parser;
    json_error error;
    bool failed = false;
    std::size_t consumed = 0;
};

json_parser::json_parser(json_limits limits) : state_{std::make_unique<state>(limits)} {}
json_parser::~json_parser() = default;
json_parser::json_parser(json_parser&&) noexcept = default;
json_parser& json_parser::operator=(json_parser&&) noexcept = default;

bool json_parser::feed(std::string_view piece) {
    auto& self = *state_;
    if (self.failed) return false;
    if (piece.size() > self.limits.max_bytes - self.consumed)
        return self.fail(
            {"", "size",
             "the document is larger than " + std::to_string(self.limits.max_bytes) + " bytes",
             self.limits.max_bytes});
    if (piece.empty()) return true;
    boost::system::error_code ec;
    std::size_t taken = 0;
    if (!self.parser.done()) {
        const auto faults_before = self.parser.handler().faults.size();
        taken = self.parser.write_some(true, piece.data(), piece.size(), ec);
        // The handler does not see positions: a fault gets the end of the piece it was found in.
        auto& faults = self.parser.handler().faults;
        for (auto i = faults_before; i < faults.size(); ++i)
            faults[i].offset = self.consumed + taken;
    }
    if (!self.check(ec, piece, taken)) return false;
    while (taken < piece.size() && is_space(piece[taken]))
        ++taken;
    if (taken < piece.size())
        return self.fail({"", "trailing", "something follows the document", self.consumed + taken});
    self.consumed += piece.size();
    return true;
}

json_result<json::value> json_parser::finish() {
    auto& self = *state_;
    if (!self.failed && self.consumed == 0)
        self.fail({"", "incomplete", "the document is empty", 0});
    if (!self.failed) {
        boost::system::error_code ec;
        self.parser.write_some(false, nullptr, 0, ec);
        self.check(ec, {}, 0);
    }
    if (self.failed) return self.error;
    return self.parser.handler().values.release();
}

const json_error& json_parser::error() const noexcept {
    return state_->error;
}

const std::vector<json_error>& json_parser::faults() const noexcept {
    return state_->parser.handler().faults;
}

json_result<json::value> parse_json(std::string_view text, json_limits limits) {
    json_parser parser{limits};
    if (!parser.feed(text)) return parser.error();
    return parser.finish();
}

}  // namespace logagent::base

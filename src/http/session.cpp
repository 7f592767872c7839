// One of the two files that know Beast: it parses answers. The bytes come from a transport, so the
// same code serves TCP and TLS, and how much is read at a time is decided here.
#include "http/session.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

#include "http/text.hpp"

namespace logagent::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr std::size_t receive_size = 64 << 10;

/// A line end in a value would begin another field.
std::string one_line(std::string_view value) {
    std::string result{value};
    std::erase_if(result, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    return result;
}

std::string head_text(const request& what, const std::string& host_field, bool chunked) {
    beast::http::request<beast::http::empty_body> message;
    message.method_string(what.method);
    message.target(one_line(what.target));
    message.version(11);
    message.set(beast::http::field::host, host_field);
    message.set(beast::http::field::user_agent, "logagent");
    for (const auto& [name, value] : what.fields)
        message.set(one_line(name), one_line(value));
    if (chunked)
        message.chunked(true);
    else if (!what.body.empty() || what.method == "POST" || what.method == "PUT")
        message.content_length(what.body.size());
    std::ostringstream text;
    text << message.base();
    return std::move(text).str();
}

}  // namespace

struct session::parsing {
    using response_parser = beast::http::response_parser<beast::http::buffer_body>;

    explicit parsing(bool answer_has_no_body) : no_body{answer_has_no_body} { begin_answer(); }

    /// For the head of the next answer on the connection.
    void begin_answer() {
        parser.emplace();
        parser->body_limit(boost::none);  // it would count the whole stream; callers have limits
        parser->skip(no_body);
    }

    const bool no_body;
    std::optional<response_parser> parser;
    std::string received = std::string(receive_size, '\0');
    std::size_t begin = 0;  // received[begin, end) is not parsed yet
    std::size_t end = 0;
};

session::session(std::unique_ptr<transport> connection, std::string name)
    : connection_{std::move(connection)},
      name_{std::move(name)},
      address_{text_of(connection_->peer())} {}

session::~session() = default;

asio::awaitable<std::optional<error>> session::exchange(request what, std::string host_field,
                                                        clock::time_point deadline,
                                                        body_slices slices) {
    parsing_ = std::make_unique<parsing>(what.method == "HEAD");
    std::string text = head_text(what, host_field, static_cast<bool>(slices));
    const bool together = !slices && what.body.size() < (16 << 10);
    if (together) text += what.body;

    auto written = co_await connection_->write(text, deadline);
    if (!written.failure && slices)
        written = co_await write_slices(slices, deadline);
    else if (!written.failure && !together)
        written = co_await connection_->write(what.body, deadline);
    whole_ = !written.failure;
    // A server that refuses a request may answer and close before it has read all of it.
    if (written.failure && written.timed_out) co_return failed(written, "sending the request");
    auto refused = co_await read_head(deadline);
    co_return refused;
}

asio::awaitable<io_outcome> session::write_slices(const body_slices& next,
                                                  clock::time_point deadline) {
    io_outcome written;
    for (bool last = false; !last && !written.failure;) {
        std::string slice = next();
        last = slice.empty();
        slice = last ? "0\r\n\r\n" : chunk(slice);
        written = co_await connection_->write(slice, deadline);
    }
    co_return written;
}

asio::awaitable<std::optional<error>> session::read_head(clock::time_point deadline) {
    for (;;) {
        auto failure = co_await parse_head(deadline);
        if (failure) co_return failure;
        // Some servers say "100 Continue" without being asked; the answer comes behind it.
        const auto status = parsing_->parser->get().result_int();
        if (status / 100 != 1) break;
        parsing_->begin_answer();
    }
    const auto& message = parsing_->parser->get();
    head_.status = message.result_int();
    for (const auto& one : message)
        head_.fields.push_back({std::string{one.name_string()}, std::string{one.value()}});
    co_return std::nullopt;
}

asio::awaitable<std::optional<error>> session::parse_head(clock::time_point deadline) {
    auto& parser = *parsing_->parser;
    while (!parser.is_header_done()) {
        if (parsing_->begin < parsing_->end) {
            beast::error_code why;
            const auto parsed = parser.put(asio::buffer(parsing_->received.data() + parsing_->begin,
                                                        parsing_->end - parsing_->begin),
                                           why);
            parsing_->begin += parsed;
            if (why && why != beast::http::error::need_more)
                co_return error{error::cause::protocol,
                                name_ + ": this is not an HTTP answer (" + why.message() + ")"};
            if (!why) continue;
        }
        const auto outcome = co_await receive(deadline);
        if (outcome.failure) {
            error why = failed(outcome, "waiting for the answer");
            if (why.why == error::cause::broken) why.why = error::cause::closed;
            co_return why;
        }
    }
    co_return std::nullopt;
}

asio::awaitable<result<std::size_t>> session::read_some(std::span<char> into,
                                                        clock::time_point deadline) {
    auto& parser = *parsing_->parser;
    auto& body = parser.get().body();
    body.data = into.data();
    body.size = into.size();
    for (;;) {
        if (parser.is_done()) co_return into.size() - body.size;
        if (parsing_->begin < parsing_->end) {
            beast::error_code why;
            const auto parsed = parser.put(asio::buffer(parsing_->received.data() + parsing_->begin,
                                                        parsing_->end - parsing_->begin),
                                           why);
            parsing_->begin += parsed;
            const std::size_t size = into.size() - body.size;
            const bool goes_on = !why || why == beast::http::error::need_more ||
                                 why == beast::http::error::need_buffer;
            if (!goes_on)
                co_return error{error::cause::protocol,
                                name_ + ": broken HTTP body (" + why.message() + ")"};
            if (size > 0) co_return size;
            if (!why) continue;
        }
        const auto outcome = co_await receive(deadline);
        if (outcome.failure == asio::error::eof) {
            // Fine only for a body that ends with the connection.
            beast::error_code why;
            parser.put_eof(why);
            if (!why && parser.is_done()) co_return std::size_t{0};
        }
        if (outcome.failure) co_return failed(outcome, "reading the answer");
    }
}

asio::awaitable<io_outcome> session::receive(clock::time_point deadline) {
    auto& received = parsing_->received;
    auto& begin = parsing_->begin;
    auto& end = parsing_->end;
    received.erase(0, begin);
    end -= begin;
    begin = 0;
    received.resize(std::max(receive_size, end + receive_size / 4));
    const std::span<char> space{received.data() + end, received.size() - end};
    const auto outcome = co_await connection_->read_some(space, deadline);
    end += outcome.size;
    co_return outcome;
}

error session::failed(const io_outcome& outcome, const char* doing) const {
    const std::string begin = name_ + ": ";
    if (outcome.timed_out)
        return {error::cause::timeout, begin + "no answer in time while " + doing};
    if (outcome.failure == asio::error::eof)
        return {error::cause::broken, begin + "the peer closed the connection while " + doing};
    // A server that misses a client certificate says so only now.
    const bool tls = outcome.failure.category() == asio::error::get_ssl_category();
    return {tls ? error::cause::tls : error::cause::broken,
            begin + outcome.failure.message() + " while " + doing};
}

std::unique_ptr<transport> session::take_connection() {
    const bool usable = whole_ && parsing_ && parsing_->parser->is_done() &&
                        parsing_->parser->keep_alive() && parsing_->begin == parsing_->end;
    if (!usable) return nullptr;
    return std::move(connection_);
}

}  // namespace logagent::http

// One of the two files that know Beast: it parses requests and writes the heads of answers.
#include "http/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

#include "http/route_table.hpp"
#include "http/text.hpp"

namespace logagent::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr std::size_t receive_size = 8 << 10;
constexpr std::size_t linger_bytes = 256 << 10;
constexpr auto linger_time = std::chrono::seconds{1};
constexpr auto look_for_leaving = std::chrono::seconds{1};

std::string_view host_without_port(std::string_view host_field) {
    if (host_field.starts_with('[')) return host_field.substr(0, host_field.find(']') + 1);
    return host_field.substr(0, host_field.find(':'));
}

bool is_numeric(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code no_address;
    asio::ip::make_address(host, no_address);
    return !no_address;
}

std::string one_line(std::string_view value) {
    std::string result{value};
    std::erase_if(result, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    return result;
}

}  // namespace

bool host_allowed(const service& shared, std::string_view host_field) {
    const auto host = host_without_port(host_field);
    for (const auto& allowed : shared.options.allowed_hosts)
        if (same_letters(host, allowed)) return true;
    if (host == shared.bound_host) return true;
    const bool local = same_letters(host, "localhost") || host == "127.0.0.1" || host == "[::1]";
    if (shared.identity) return local || is_numeric(host) || shared.identity->is_for(host);
    return shared.loopback ? local : shared.options.allowed_hosts.empty();
}

struct connection::parsing {
    beast::http::request_parser<beast::http::string_body> parser;
};

connection::connection(service& shared, asio::ip::tcp::socket accepted)
    : shared_{shared}, transport_{std::move(accepted)} {}

connection::~connection() = default;

asio::awaitable<void> connection::run() {
    bool goes_on = true;
    if (shared_.identity) goes_on = co_await secure();
    while (goes_on)
        goes_on = co_await serve_one();
    if (transport_.tls()) {
        now_idle();
        co_await transport_.end_writing(clock::now() + linger_time);
    }
    transport_.close();
}

asio::awaitable<bool> connection::secure() {
    const auto deadline = clock::now() + shared_.options.handshake_timeout;
    now_idle();
    char first = '\0';
    auto outcome = co_await transport_.peek(first, deadline);
    const bool silent = outcome.failure && !outcome.timed_out;  // a probe of the port
    const bool plain = !outcome.failure && first >= 'A' && first <= 'Z';
    if (!outcome.failure && !plain) {
        auto context = shared_.identity->context();
        outcome = co_await transport_.accept_tls(std::move(context), deadline);
    }
    const bool closed = !idle_;
    idle_ = false;
    if (!plain && !outcome.failure) co_return true;
    if (silent) co_return false;
    ++shared_.counters.handshake_failures;
    std::string why = outcome.failure.message();
    if (outcome.timed_out) why = "it was not done in time";
    if (closed) why = "it was slow, and others needed its place";
    if (plain) why = "the client speaks plain HTTP";
    if (shared_.options.report_handshake)
        shared_.options.report_handshake("no TLS with " + peer().to_string() + ": " + why);
    if (plain) co_await refuse_plain();
    co_return false;
}

asio::awaitable<void> connection::refuse_plain() {
    parsing_ = std::make_unique<parsing>();
    total_deadline_ = clock::now() + shared_.options.header_timeout;
    auto refusal = refused(400, "This port speaks TLS only: use https:// instead of http://.");
    const bool sent = co_await send(std::move(refusal), false);
    if (sent) co_await linger();
}

asio::awaitable<bool> connection::serve_one() {
    const auto head = co_await read_head();
    if (head == progress::left) co_return false;
    ++shared_.counters.requests;
    response refusal;
    const route* by = nullptr;
    if (head == progress::complete) {
        by = find_answerer(refusal);
    } else if (head == progress::late) {
        ++shared_.counters.timeouts;
        refusal = refused(408, "The request did not come in time.");
    } else if (head == progress::too_large) {
        refusal = refused(431, "The head of the request is too long.");
    } else {
        refusal = refused(400, "This is not a proper HTTP request.");
    }

    bool readable = by != nullptr;
    if (by != nullptr) {
        const auto body = co_await read_body(by->body_limit);
        if (body == progress::left) co_return false;
        readable = body == progress::complete;
        if (body == progress::late) {
            ++shared_.counters.timeouts;
            refusal = refused(408, "The body of the request did not come in time.");
        } else if (body == progress::too_large) {
            refusal = refused(
                413, "The body is longer than " + std::to_string(by->body_limit) + " bytes.");
        } else if (body == progress::bad) {
            refusal = refused(400, "The body of the request is broken.");
        }
    }
    // A refused request without a body leaves the connection as usable as an answered one.
    const bool whole = readable || (head == progress::complete && parsing_->parser.is_done());
    const bool keep_alive = whole && parsing_->parser.keep_alive();
    if (readable) refusal = co_await answer(*by);
    const bool sent = co_await send(std::move(refusal), keep_alive);
    if (sent && !whole) co_await linger();
    co_return sent&& keep_alive;
}

asio::awaitable<connection::progress> connection::read_head() {
    const auto& limits = shared_.options;
    request_ = {};
    parsing_ = std::make_unique<parsing>();
    auto& parser = parsing_->parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_limit));
    parser.body_limit(boost::none);  // the route's, once it is known
    bool begun = first_ || !received_.empty();
    auto deadline = clock::now() + (begun ? limits.header_timeout : limits.idle_timeout);
    total_deadline_ = clock::now() + limits.total_timeout;
    for (;;) {
        if (!received_.empty()) {
            beast::error_code why;
            const auto parsed = parser.put(asio::buffer(received_), why);
            received_.erase(0, parsed);
            if (!why && parser.is_header_done()) break;
            if (why == beast::http::error::header_limit) co_return progress::too_large;
            if (why && why != beast::http::error::need_more) co_return progress::bad;
        }
        idle_ = received_.empty() && !parser.got_some();
        idle_since_ = clock::now();
        const bool more = co_await receive(deadline);
        const bool nothing = idle_;
        idle_ = false;
        if (!more && timed_out_ && !nothing) co_return progress::late;
        if (!more) co_return progress::left;
        if (begun) continue;
        begun = true;
        deadline = clock::now() + limits.header_timeout;
        total_deadline_ = clock::now() + limits.total_timeout;
    }
    first_ = false;
    const auto& head = parser.get();
    request_.method = head.method_string();
    request_.target = head.target();
    request_.peer = peer();
    for (const auto& one : head)
        request_.fields.push_back({std::string{one.name_string()}, std::string{one.value()}});
    co_return progress::complete;
}

asio::awaitable<connection::progress> connection::read_body(std::size_t limit) {
    auto& parser = parsing_->parser;
    const auto deadline = std::min(clock::now() + shared_.options.body_timeout, total_deadline_);
    parser.body_limit(limit);  // of a chunked body; the other kind has said its length
    const auto length = parser.content_length();
    if (length && *length > limit) co_return progress::too_large;
    if (!parser.is_done() && same_letters(find(request_.fields, "Expect"), "100-continue")) {
        const auto asked = co_await transport_.write("HTTP/1.1 100 Continue\r\n\r\n", deadline);
        if (asked.failure) co_return progress::left;
    }
    while (!parser.is_done()) {
        if (!received_.empty()) {
            beast::error_code why;
            const auto parsed = parser.put(asio::buffer(received_), why);
            received_.erase(0, parsed);
            if (why == beast::http::error::body_limit) co_return progress::too_large;
            if (why && why != beast::http::error::need_more) co_return progress::bad;
            if (!why) continue;
        }
        const bool more = co_await receive(deadline);
        if (more) continue;
        if (timed_out_) co_return progress::late;
        co_return progress::left;
    }
    request_.body = std::move(parser.get().body());
    co_return progress::complete;
}

asio::awaitable<bool> connection::receive(clock::time_point deadline) {
    const std::size_t kept = received_.size();
    received_.resize(kept + receive_size);
    const std::span<char> space{received_.data() + kept, receive_size};
    const auto outcome = co_await transport_.read_some(space, std::min(deadline, total_deadline_));
    received_.resize(kept + outcome.size);
    timed_out_ = outcome.timed_out;
    co_return !outcome.failure;
}

response connection::refused(unsigned status, std::string text) const {
    if (shared_.options.refuse) return shared_.options.refuse(request_, status, std::move(text));
    return plain_text(status, std::move(text));
}

const route* connection::find_answerer(response& refusal) {
    const auto host = find(request_.fields, "Host");
    if (host.empty() && parsing_->parser.get().version() >= 11) {
        refusal = refused(400, "The Host field is missing.");
        return nullptr;
    }
    if (!host.empty() && !host_allowed(shared_, host)) {
        refusal = refused(421, "This server does not answer for this host name.");
        return nullptr;
    }
    auto routing = find_route(shared_.routes, request_.method, request_.path());
    if (routing.found == nullptr && routing.allowed.empty()) {
        refusal = refused(404, "There is nothing here.");
    } else if (routing.found == nullptr) {
        refusal = refused(405, "Allowed here: " + routing.allowed);
        refusal.fields.push_back({"Allow", routing.allowed});
    }
    request_.parameters = std::move(routing.parameters);
    return routing.found;
}

asio::awaitable<response> connection::answer(const route& by) {
    response made;
    std::string failure;
    try {
        if (const auto* at_once = std::get_if<handler>(&by.answer)) {
            made = (*at_once)(request_);
        } else {
            auto waiting = std::get<waiting_handler>(by.answer)(request_);
            made = co_await std::move(waiting);
        }
    } catch (const boost::system::system_error& stop) {
        if (stop.code() == asio::error::operation_aborted) throw;
        failure = stop.what();
    } catch (const std::exception& thrown) {
        failure = thrown.what();
    }
    if (!failure.empty()) {
        made = refused(500, "The request failed inside the server.");
        if (shared_.options.report)
            shared_.options.report("http " + request_.method + " " + by.pattern +
                                   " failed: " + failure);
    }
    co_return made;
}

std::string connection::head_text(const response& what, bool keep_alive) const {
    beast::http::response<beast::http::empty_body> message;
    message.result(what.status);
    const bool old = parsing_->parser.is_header_done() && parsing_->parser.get().version() < 11;
    message.version(old ? 10 : 11);
    for (const auto& [name, value] : what.fields)
        message.insert(one_line(name), one_line(value));
    const auto unless_there = [&](const char* name, std::string_view value) {
        if (message.find(name) == message.end()) message.set(name, value);
    };
    unless_there("X-Content-Type-Options", "nosniff");
    unless_there("Cache-Control", "no-store");
    for (const auto& [name, value] : shared_.options.fields)
        unless_there(name.c_str(), one_line(value));
    // It would hold for every port of the name: not for the one that everything local goes by.
    const auto host = host_without_port(find(request_.fields, "Host"));
    if (transport_.tls() && !same_letters(host, "localhost"))
        unless_there("Strict-Transport-Security", "max-age=31536000");
    if (!what.slices)
        message.content_length(what.body.size());
    else if (!old)
        message.chunked(true);
    message.keep_alive(keep_alive && !(what.slices && old) && !find_stream(what));
    std::ostringstream text;
    text << message.base();
    return std::move(text).str();
}

asio::awaitable<bool> connection::send(response what, bool keep_alive) {
    std::string text = head_text(what, keep_alive);
    const bool head_only = request_.method == "HEAD";
    const bool old = parsing_->parser.is_header_done() && parsing_->parser.get().version() < 11;
    const bool together = !what.slices && !head_only && what.body.size() <= (16 << 10);
    if (together) text += what.body;
    auto written = co_await transport_.write(text, total_deadline_);
    if (!written.failure && !together && !what.slices && !head_only)
        written = co_await transport_.write(what.body, total_deadline_);
    if (written.timed_out) ++shared_.counters.timeouts;
    if (written.failure) co_return false;
    if (!what.slices || head_only) co_return true;
    if (auto events = find_stream(what)) {
        co_await send_events(std::move(events), !old);
        co_return false;
    }
    const bool whole = co_await send_slices(what.slices, !old);
    co_return whole && !old;
}

asio::awaitable<bool> connection::send_slices(const body_slices& next, bool chunked) {
    for (;;) {
        std::string slice;
        try {
            slice = next();
        } catch (const std::exception& thrown) {
            // The status is on its way already: cutting the body is how the client gets to know.
            if (shared_.options.report)
                shared_.options.report("http " + request_.method + " " +
                                       std::string{request_.path()} +
                                       " broke off: " + thrown.what());
            co_return false;
        }
        const bool last = slice.empty();
        if (chunked) slice = last ? "0\r\n\r\n" : chunk(slice);
        if (!slice.empty()) {
            const auto written = co_await transport_.write(slice, total_deadline_);
            if (written.timed_out) ++shared_.counters.timeouts;
            if (written.failure) co_return false;
        }
        if (last) co_return true;
    }
}

asio::awaitable<void> connection::send_events(std::shared_ptr<event_stream> from, bool chunked) {
    const auto limits = from->allowed();
    auto ping_at = clock::now() + limits.ping;
    // A client that leaves, or sends something after its request, ends the stream soon.
    while (transport_.quiet()) {
        const auto until = std::min(ping_at, clock::now() + look_for_leaving);
        std::string piece = co_await from->next(until);
        const bool last = from->ended();
        if (piece.empty() && !last && clock::now() < ping_at) continue;
        if (piece.empty() && !last) piece = ":\n\n";
        if (chunked && !piece.empty()) piece = chunk(piece);
        if (chunked && last) piece += "0\r\n\r\n";
        const auto deadline = clock::now() + limits.take;
        const auto written = co_await transport_.write(piece, deadline);
        // The system gives up on a peer that takes nothing for 25 s, see transport.cpp.
        if (written.timed_out || written.failure == asio::error::timed_out) from->cut();
        if (written.failure || last) co_return;
        ping_at = clock::now() + limits.ping;
    }
}

asio::awaitable<void> connection::linger() {
    const auto deadline = clock::now() + linger_time;
    co_await transport_.end_writing(deadline);
    std::vector<char> ignored(receive_size);
    for (std::size_t read = 0; read < linger_bytes;) {
        const auto outcome = co_await transport_.read_some(ignored, deadline);
        if (outcome.failure) co_return;
        read += outcome.size;
    }
}

}  // namespace logagent::http

#include "cli/status_reader.hpp"

#include <stdexcept>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::cli {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t page_files = 1000;
constexpr std::size_t most_files = 20'000;

boost::json::array* files_of(boost::json::value& document) {
    auto* object = document.if_object();
    auto* files = object ? object->if_contains("files") : nullptr;
    return files ? files->if_array() : nullptr;
}

std::string target(const std::string& after) {
    std::string out = "/status?limit=" + std::to_string(page_files);
    if (after.empty()) return out;
    out += "&after=";
    for (const char c : after) {
        static constexpr char digits[] = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

}  // namespace

asio::awaitable<boost::json::value> status_reader::read(bool ledger) {
    const std::string ledger_target = "/ledger";
    if (ledger) co_return co_await get(ledger_target);
    const std::string beginning;
    boost::json::value whole = co_await page(beginning);
    for (;;) {
        const auto* files = files_of(whole);
        if (!files || files->empty() || files->size() % page_files != 0 ||
            files->size() >= most_files)
            co_return whole;
        const auto* last = files->back().as_object().if_contains("path");
        if (!last || !last->is_string()) co_return whole;
        const std::string after{last->as_string()};
        boost::json::value next = co_await page(after);
        auto* more = files_of(next);
        if (!more || more->empty()) co_return whole;
        for (auto& file : *more)
            files_of(whole)->push_back(std::move(file));
    }
}

asio::awaitable<std::string> status_reader::why_not_ready() {
    http::request what;
    what.target = "/readyz";
    const auto deadline = clock::now() + 5s;
    auto answer = co_await client_.send(from_, std::move(what), deadline);
    if (!answer) co_return advice(answer.error());
    if (answer->status == 200) co_return std::string{};
    co_return from_.authority() + " answered " + std::to_string(answer->status) + ": " +
        base::visible(answer->body, 200);
}

asio::awaitable<boost::json::value> status_reader::page(std::string after) {
    std::string wanted = target(after);
    co_return co_await get(std::move(wanted));
}

asio::awaitable<boost::json::value> status_reader::get(std::string wanted) {
    http::request what;
    what.target = std::move(wanted);
    const auto deadline = clock::now() + 5s;
    auto answer = co_await client_.send(from_, std::move(what), deadline);
    if (!answer) throw std::runtime_error{advice(answer.error())};
    if (answer->status != 200)
        throw std::runtime_error{from_.authority() + " answered " + std::to_string(answer->status) +
                                 ": it is no agent's status_addr, or not yet ready"};
    base::json_limits limits;
    limits.max_bytes = 16 << 20;
    auto document = base::parse_json(answer->body, limits);
    if (!document)
        throw std::runtime_error{from_.authority() + " answered no status document: " +
                                 base::describe(document.error())};
    co_return *std::move(document);
}

std::string status_reader::advice(const http::error& failure) const {
    if (failure.why == http::error::cause::connect)
        return "no agent answers at " + from_.authority() +
               "; is it running, with this status_addr? (another one: --addr HOST:PORT)";
    return base::visible(failure.text, 300);
}

}  // namespace logagent::cli

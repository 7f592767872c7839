#include "demo/sample.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace logagent::demo {

namespace {

std::string stamp(std::int64_t wall_ms, const char* format) {
    const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text;
    return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::string milliseconds(std::int64_t wall_ms) {
    const auto number = std::to_string(wall_ms % 1000);
    return std::string(3 - number.size(), '0') + number;
}

constexpr std::string_view pages[] = {"/",           "/cart",        "/product/4711",
                                      "/search?q=",  "/checkout",    "/static/app.js",
                                      "/api/prices", "/favicon.ico", "/login"};
constexpr std::string_view browsers[] = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "curl/7.88.1"};
constexpr std::string_view currencies[] = {"CNY", "EUR", "USD"};
constexpr std::string_view exceptions[] = {
    "java.net.SocketTimeoutException: Read timed out after 3000 ms",
    "org.example.pay.CardDeclined: the bank said no",
    "java.lang.NullPointerException: order.customer is null"};
constexpr std::string_view frames[] = {
    "org.example.pay.Gateway.charge(Gateway.java:212)", "org.example.pay.Retry.once(Retry.java:47)",
    "org.example.pay.Checkout.pay(Checkout.java:98)", "org.example.http.Worker.run(Worker.java:31)",
    "java.base/java.lang.Thread.run(Thread.java:840)"};

}  // namespace

std::uint32_t sample_source::below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(random_()) % bound;
}

std::string sample_source::access_line(std::int64_t wall_ms) {
    const auto chance = below(100);
    const char* status = chance < 92 ? "200" : chance < 97 ? "404" : chance < 99 ? "302" : "500";
    return "198.51.100." + std::to_string(below(250) + 1) + " - - [" +
           stamp(wall_ms, "%d/%b/%Y:%H:%M:%S +0000") + "] \"GET " +
           std::string{pages[below(std::size(pages))]} + " HTTP/1.1\" " + status + " " +
           std::to_string(200 + below(40'000)) + " \"-\" \"" +
           std::string{browsers[below(std::size(browsers))]} + "\"\n";
}

std::string sample_source::json_line(std::int64_t wall_ms) {
    return R"({"time":")" + stamp(wall_ms, "%Y-%m-%dT%H:%M:%S.") + milliseconds(wall_ms) +
           R"(Z","level":")" + (below(20) == 0 ? "warn" : "info") +
           R"(","event":"order","order":)" + std::to_string(100'000 + number_) + R"(,"items":)" +
           std::to_string(1 + below(9)) + R"(,"total":)" + std::to_string(5 + below(900)) +
           R"(.90,"currency":")" + std::string{currencies[below(std::size(currencies))]} +
           R"(","ms":)" + std::to_string(2 + below(80)) + "}\n";
}

std::string sample_source::java_event(std::int64_t wall_ms) {
    auto head = stamp(wall_ms, "%Y-%m-%d %H:%M:%S,") + milliseconds(wall_ms);
    const auto thread = " [http-" + std::to_string(1 + below(8)) + "] ";
    if (number_ % 5 != 0)
        return head + thread + "INFO  org.example.pay.Gateway - payment " +
               std::to_string(7'000'000 + number_) + " accepted in " + std::to_string(below(400)) +
               " ms\n";
    head += thread + "ERROR org.example.pay.Gateway - payment " +
            std::to_string(7'000'000 + number_) + " failed\n" +
            std::string{exceptions[below(std::size(exceptions))]} + "\n";
    for (const auto frame : frames)
        head += "\tat " + std::string{frame} + "\n";
    return head;
}

std::string sample_source::row_line(std::int64_t wall_ms) {
    return stamp(wall_ms, "%H:%M:%S") + " import row=" + std::to_string(number_) + " table=stock" +
           " key=" + std::to_string(below(1'000'000)) + " changed=" + std::to_string(below(2)) +
           "\n";
}

std::string sample_source::message_line(std::int64_t wall_ms) {
    return stamp(wall_ms, "%b %d %H:%M:%S") + " demo systemd[1]: logrotate.service: run " +
           std::to_string(number_) + " finished\n";
}

sample sample_source::next(std::int64_t wall_ms) {
    ++number_;
    sample out;
    switch (kind_) {
        case sample_kind::access:
            out.text = access_line(wall_ms);
            break;
        case sample_kind::json:
            out.text = json_line(wall_ms);
            break;
        case sample_kind::java:
            out.text = java_event(wall_ms);
            break;
        case sample_kind::rows:
            out.text = row_line(wall_ms);
            break;
        case sample_kind::messages:
            out.text = message_line(wall_ms);
            break;
    }
    out.events = 1;
    out.lines = static_cast<std::uint64_t>(std::count(out.text.begin(), out.text.end(), '\n'));
    return out;
}

}  // namespace logagent::demo

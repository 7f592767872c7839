// What is needed before documents go: the secrets, and a template for the indices.
#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "logagent/base/bytes.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/secret_file.hpp"
#include "transfer/elasticsearch_sink.hpp"
#include "transfer/elasticsearch_template.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds template_timeout = 30s;

os::secret read_secret(const std::string& path, const std::string& sink) {
    auto file = os::read_secret_file(path);
    if (!file.error.empty())
        throw base::problem_error{base::problem{"secret", "sink '" + sink + "': " + file.error}};
    if (!file.warning.empty())
        LOGAGENT_LOG(warn, "transfer.secret", "sink '" << sink << "': " << file.warning);
    return std::move(file.value);
}

}  // namespace

void elasticsearch_sink::read_secrets() {
    if (!where_.api_key_file.empty()) {
        const auto key = read_secret(where_.api_key_file, where_.name);
        authorization_ = "ApiKey " + std::string{key.text()};
        return;
    }
    if (where_.user.empty()) return;
    std::string pair = where_.user + ":";
    if (!where_.password_file.empty()) {
        const auto password = read_secret(where_.password_file, where_.name);
        pair += password.text();
    }
    authorization_ = "Basic " + base::base64_encode(pair);
}

/// After a refusal: somebody may have written another one meanwhile.
void elasticsearch_sink::renew_secrets() {
    try {
        read_secrets();
    } catch (const base::problem_error& unreadable) {
        LOGAGENT_LOG(warn, "transfer.secret",
                     unreadable.reason().text << "; going on with what was read before");
    }
}

asio::awaitable<http::result<http::response>> elasticsearch_sink::put_template(
    std::string_view field_kind) {
    auto request = request_of("PUT", "/_index_template/" + template_name(index_));
    request.fields.push_back({"Content-Type", "application/json"});
    request.body = template_body(index_, field_kind);
    const auto now = std::chrono::steady_clock::now();
    const auto node = nodes_.take(now);
    if (!node) co_return http::error{http::error::cause::connect, stalled_};
    const auto where = nodes_.at(*node);
    const auto deadline = now + template_timeout;
    auto answer = co_await client_.send(where, std::move(request), deadline);
    const auto then = std::chrono::steady_clock::now();
    if (!answer || answer->status >= 500)
        nodes_.failed(*node, then);
    else
        nodes_.answered(*node);
    co_return answer;
}

/// Puts the template, in the first form that the server knows. While the server cannot be asked,
/// documents could not be sent either. A refusal is told and no hindrance: the indices may have a
/// template of somebody else.
asio::awaitable<void> elasticsearch_sink::install_template() {
    unsigned attempts = 0;
    std::size_t kind = 0;
    for (;;) {
        auto answer = co_await put_template(field_kinds[kind]);
        const unsigned status = answer ? answer->status : 0;
        if (status >= 200 && status < 300) break;
        if (status == 400 && kind + 1 < std::size(field_kinds)) {
            ++kind;
            continue;
        }
        std::string why;
        if (answer)
            why = "sink '" + where_.name + "': the index template is refused with " +
                  text_of(read_request_failure(status, answer->body));
        else
            why = answer.error().text;
        const bool passes = status == 0 || status == 401 || status == 429 || status >= 500;
        if (!passes) {
            LOGAGENT_LOG(warn, "transfer.template",
                         why << "; going on without it, install_template = false says so for good");
            break;
        }
        stall(why + "; trying again");
        if (status == 401) renew_secrets();
        const auto until = std::chrono::steady_clock::now() + wait_of(++attempts);
        while (std::chrono::steady_clock::now() < until)
            co_await changed_.wait_until(until);
    }
    flowing();
}

}  // namespace logagent::transfer

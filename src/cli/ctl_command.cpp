#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "cli/commands.hpp"
#include "cli/configuration.hpp"
#include "cli/ctl_call.hpp"
#include "cli/json_text.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"
#include "logagent/http/client.hpp"
#include "logagent/os/secret_file.hpp"

namespace logagent::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t most_file_bytes = 1 << 20;
constexpr std::size_t most_pages = 1000;
constexpr int failed_exit = 1;

constexpr flag flags[] = {
    {.names = "--server",
     .value = "URL",
     .help = "The API ($LOGAGENT_SERVER, or http://127.0.0.1:9480).",
     .allowed = "http://host:port or https://host:port"},
    {.names = "--token-file",
     .value = "FILE",
     .help = "A file whose first line is the token ($LOGAGENT_TOKEN_FILE; else $LOGAGENT_TOKEN "
             "holds the token itself)."},
    {.names = "--ca-file,--ca",
     .value = "FILE",
     .help = "PEM file of the CA that signed the server's certificate; without it the system's "
             "($SSL_CERT_FILE first)."},
    {.names = "--cert",
     .value = "FILE",
     .help = "PEM file of a client certificate, for a server with tls_client_ca."},
    {.names = "--key",
     .value = "FILE",
     .help = "PEM file of its private key; without it the key is in the file of --cert."},
    {.names = "-o,--output",
     .value = "FORM",
     .help = "table, where there is one, or json.",
     .allowed = "table, json"},
    {.names = "-f,--file", .value = "FILE", .help = "JSON to send; - is standard input."},
    {.names = "-m,--message", .value = "TEXT", .help = "Why: every change needs a reason."},
    {.names = "--dry-run", .help = "Print what would happen, change nothing."},
};

/// Where to ask, and as whom.
struct server {
    http::endpoint at;
    std::string token;
    http::tls_options tls;
};

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

bool is_loopback(const http::endpoint& at) {
    boost::system::error_code no_address;
    const auto address = asio::ip::make_address(at.host, no_address);
    return at.host == "localhost" || (!no_address && address.is_loopback());
}

std::string read_token(const arguments& given) {
    const auto file = given.value_or("--token-file", environment("LOGAGENT_TOKEN_FILE"));
    if (file.empty()) return environment("LOGAGENT_TOKEN");
    const auto read = os::read_secret_file(file);
    if (!read.error.empty()) throw usage_error{"--token-file: " + read.error};
    return std::string{read.value.text()};
}

server read_server(const arguments& given) {
    auto url = given.value_or("--server", environment("LOGAGENT_SERVER"));
    if (url.empty()) url = "http://127.0.0.1:9480";
    auto parsed = http::parse_endpoint(url, 9480);
    if (!parsed) throw bad_value(find_flag(flags, "--server"), url);
    server out;
    out.at = *std::move(parsed);
    out.tls.ca_file = given.value_or("--ca", "");
    out.tls.cert_file = given.value_or("--cert", "");
    out.tls.key_file = given.value_or("--key", "");
    if (!out.tls.key_file.empty() && out.tls.cert_file.empty())
        throw usage_error{"--key: needs --cert too"};
    out.token = read_token(given);
    if (out.token.empty())
        throw usage_error{
            "a token is needed: --token-file FILE, or $LOGAGENT_TOKEN_FILE or $LOGAGENT_TOKEN"};
    if (!out.at.tls && !is_loopback(out.at))
        throw usage_error{"--server: " + base::visible(url, 80) +
                          " is neither https nor loopback: the token would cross the network in "
                          "the clear"};
    return out;
}

std::optional<json::value> read_document(const arguments& given) {
    const auto* file = given.last("--file");
    if (!file) return std::nullopt;
    std::string text;
    if (*file == "-") {
        text.assign(std::istreambuf_iterator<char>{std::cin}, {});
    } else {
        auto read = read_file(*file, most_file_bytes);
        if (!read) throw usage_error{read.error().text};
        text = *std::move(read);
    }
    auto parsed = base::parse_json(text);
    if (!parsed) throw usage_error{"-f: " + base::describe(parsed.error())};
    return *std::move(parsed);
}

/// Why there is no answer, with what to do about a certificate that nobody known has signed.
std::string without_answer(const http::error& failure) {
    auto text = base::visible(failure.text, 300);
    const bool unknown = text.find("issuer") != text.npos || text.find("self-signed") != text.npos;
    if (failure.why == http::error::cause::tls && unknown)
        text += "; --ca-file FILE names the CA that has signed it";
    return text;
}

/// A problem that the server answered, or that there is no answer; one line for each mistake.
class call_failed : public std::runtime_error {
public:
    explicit call_failed(std::vector<std::string> lines)
        : std::runtime_error{lines.front()}, lines_{std::move(lines)} {}
    const std::vector<std::string>& lines() const { return lines_; }

private:
    std::vector<std::string> lines_;
};

class api_client {
public:
    api_client(asio::any_io_executor executor, server to, std::string message, bool dry_run)
        : names_{executor},
          client_{executor, names_, options_of(to)},
          to_{std::move(to)},
          message_{std::move(message)},
          dry_run_{dry_run} {}

    /// Carries the call out and returns the last answer; throws call_failed.
    asio::awaitable<json::value> run(ctl_call call) {
        std::vector<http::field> fields;
        if (!call.precondition_of.empty()) {
            auto found = co_await send("GET", call.precondition_of, nullptr, {}, true);
            const std::string tag{http::find(found.fields, "ETag")};
            if (tag.empty())
                fields.push_back({"If-None-Match", "*"});
            else
                fields.push_back({"If-Match", tag});
        }
        auto answer = co_await ask(call, fields);
        if (call.follow_pages) co_await read_pages(call, answer);
        const auto plan = text_of(answer, "plan_id");
        if (!call.plan_first || plan.empty()) co_return answer;
        const std::string apply = "/plans/" + plan + ":apply";
        auto applied = co_await send("POST", apply, nullptr, {}, false);
        co_return document(applied);
    }

    /// Prints server-sent events until the stream ends.
    asio::awaitable<void> follow(ctl_call call, std::ostream& out) {
        auto what = request_for("GET", call.path, nullptr, {});
        const auto deadline = clock::now() + 30s;
        auto opened = co_await client_.open(to_.at, std::move(what), deadline);
        if (!opened) throw call_failed{{without_answer(opened.error())}};
        auto& stream = **opened;
        std::string text;
        char piece[16 << 10];
        for (;;) {
            auto size = co_await stream.read_some(piece);
            if (!size || *size == 0) break;
            text.append(piece, *size);
            if (stream.head().status != 200) continue;
            print_events(text, out);
        }
        if (stream.head().status == 200) co_return;
        const auto parsed = base::parse_json(text);
        throw call_failed{problem_lines(parsed ? *parsed : json::value{}, stream.head().status)};
    }

private:
    static http::client_options options_of(const server& to) {
        http::client_options out;
        out.tls = to.tls;
        out.body_limit = 64 << 20;
        return out;
    }

    http::request request_for(std::string method, const std::string& path, const json::value& body,
                              const std::vector<http::field>& fields) const {
        http::request what;
        what.method = std::move(method);
        what.target = "/api/v1" + path;
        what.fields = fields;
        what.fields.push_back({"Authorization", "Bearer " + to_.token});
        if (!body.is_null()) {
            what.fields.push_back({"Content-Type", "application/json"});
            what.body = json::serialize(body);
        }
        return what;
    }

    asio::awaitable<http::response> send(std::string method, std::string path, json::value body,
                                         std::vector<http::field> fields, bool may_be_missing) {
        auto what = request_for(std::move(method), path, body, fields);
        const auto deadline = clock::now() + 120s;
        auto answer = co_await client_.send(to_.at, std::move(what), deadline);
        if (!answer) throw call_failed{{"no answer: " + without_answer(answer.error())}};
        if (answer->status < 300 || (answer->status == 404 && may_be_missing))
            co_return *std::move(answer);
        const auto problem = base::parse_json(answer->body);
        throw call_failed{problem_lines(problem ? *problem : json::value{}, answer->status)};
    }

    asio::awaitable<json::value> ask(const ctl_call& call, std::vector<http::field> fields) {
        auto path = call.path;
        json::value body = call.body;
        if (call.changes && body.is_object()) body.get_object()["message"] = message_;
        if (call.changes && !body.is_object()) fields.push_back({"X-Message", message_});
        if (call.changes && dry_run_)
            path += (path.find('?') == path.npos ? "?" : "&") + std::string{"dry_run=true"};
        auto answer = co_await send(call.method, path, std::move(body), std::move(fields), false);
        co_return document(answer);
    }

    static json::value document(const http::response& answer) {
        if (answer.body.empty()) return json::object{};
        base::json_limits limits;
        limits.max_bytes = 64 << 20;
        auto parsed = base::parse_json(answer.body, limits);
        if (!parsed) throw call_failed{{"the answer is no JSON: is this a logagent web?"}};
        return *std::move(parsed);
    }

    asio::awaitable<void> read_pages(const ctl_call& call, json::value& whole) {
        auto next = text_of(whole, "next_page_token");
        for (std::size_t page = 0; !next.empty() && page < most_pages; ++page) {
            const auto path = call.path + "&page_token=" + next;
            auto answer = co_await send("GET", path, nullptr, {}, false);
            auto more = document(answer);
            auto& items = whole.as_object()["items"].as_array();
            for (const auto& item : array_of(member(&more, "items")))
                items.push_back(item);
            next = text_of(more, "next_page_token");
        }
        whole.as_object()["next_page_token"] = nullptr;
    }

    /// Lines of the events that are complete; what is left stays in `text`.
    static void print_events(std::string& text, std::ostream& out) {
        for (auto end = text.find("\n\n"); end != text.npos; end = text.find("\n\n")) {
            const auto frame = text.substr(0, end);
            text.erase(0, end + 2);
            const auto data = frame.find("data: ");
            if (data == frame.npos) continue;
            const auto parsed = base::parse_json(frame.substr(data + 6));
            if (!parsed) continue;
            if (parsed->is_array())
                for (const auto& line : parsed->get_array())
                    out << text_of(line, "host") << ' ' << text_of(line, "path") << "  "
                        << text_of(line, "text") << '\n';
            else if (frame.find("event: problem") != frame.npos)
                out << json::serialize(*parsed) << '\n';
        }
        out << std::flush;
    }

    dns::resolver names_;
    http::client client_;
    server to_;
    std::string message_;
    bool dry_run_;
};

/// Runs a task until it ends, or until Ctrl-C stops it.
void run_stoppable(asio::io_context& loop, asio::awaitable<void> task) {
    async::task_group tasks{loop.get_executor()};
    asio::signal_set signals{loop, SIGINT, SIGTERM};
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) tasks.stop();
    });
    tasks.spawn(std::move(task));
    std::exception_ptr failure;
    auto wait = [](async::task_group& of, asio::signal_set& until,
                   std::exception_ptr& result) -> asio::awaitable<void> {
        result = co_await of.join();
        until.cancel();
    };
    asio::co_spawn(loop, wait(tasks, signals, failure), [](std::exception_ptr) {});
    loop.run();
    if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> carry_out(api_client& api, ctl_call call, bool as_json, std::ostream& out) {
    if (call.stream) {
        co_await api.follow(std::move(call), out);
        co_return;
    }
    const auto table = call.table;
    const auto answer = co_await api.run(std::move(call));
    const bool listed = !table.empty() && !as_json && member(&answer, "items");
    out << (listed ? ctl_table(table, answer) : indented_json(answer));
}

int run(const arguments& given, streams to) {
    const auto form = given.value_or("--output", "table");
    if (form != "table" && form != "json") throw bad_value(find_flag(flags, "--output"), form);
    const auto document = read_document(given);
    const auto words = given.all("");
    auto call = read_call(words, given, document);
    const auto message = given.value_or("--message", "");
    if (call.changes && message.empty())
        throw usage_error{"-m TEXT is needed: every change has a reason, which is kept with it"};
    auto where = read_server(given);
    asio::io_context loop{1};
    api_client api{loop.get_executor(), std::move(where), message, given.has("--dry-run")};
    try {
        run_stoppable(loop, carry_out(api, std::move(call), form == "json", to.out));
    } catch (const call_failed& failure) {
        for (const auto& line : failure.lines())
            to.err << "logagent ctl: " << base::visible(line, 1000) << '\n';
        return failed_exit;
    }
    return 0;
}

}  // namespace

const command ctl_command{
    .name = "ctl",
    .summary = "define services, watch and steer the fleet through the API of logagent web",
    .usage =
        "[--server URL] [--token-file FILE] [-o table|json] [--dry-run] [-m TEXT] NOUN VERB...",
    .about =
        "A client of the API: whatever it does, the API does, with the same checks. Changes need a "
        "reason (-m), are made against the state that was read just before, and with --dry-run "
        "only say what would happen.\n"
        "\n"
        "services: list, get NAME, status NAME, apply -f FILE, diff NAME [FROM [TO]], history "
        "NAME, "
        "rollback NAME REVISION, delete NAME.\n"
        "\n"
        "rollout: list, get ID, hosts ID, start -f FILE, pause ID, resume ID, promote ID, abort "
        "ID.\n"
        "\n"
        "hosts: list [WORD...], get HOST, label HOST KEY=VALUE..., forget HOST. replay: list, get "
        "ID, start -f FILE, cancel ID. tokens: list, create NAME ROLE [GLOB...], delete ID.\n"
        "\n"
        "routes (of transfer): list [WORD...], get NAME, apply -f FILE, delete NAME, processes.\n"
        "\n"
        "The FILE of replay start names \"host\", \"path\", what of it (\"last\", or \"since\" and "
        "\"until\", or \"offset\") and where to (\"topic\", or \"same_topic\": true), side by "
        "side, and a \"rate\" if you like.\n"
        "\n"
        "tail [service=NAME] [host=NAME] [path=GLOB] [q=TEXT] [re=RE2]; drift; audit [WORD...]; "
        "export; import -f FILE; whoami.\n"
        "\n"
        "Exit codes: 0 done, 1 the server refused it or does not answer, 2 usage.",
    .flags = flags,
    .examples =
        "  export LOGAGENT_TOKEN_FILE=~/.logagent-token\n"
        "  logagent ctl services list\n"
        "  logagent ctl services apply -f shop.json -m 'collect the access log' --dry-run\n"
        "  logagent ctl rollout start -f shop.json -m 'a lower rate, carefully'\n",
    .run = run,
    .takes_words = true,
};

}  // namespace logagent::cli

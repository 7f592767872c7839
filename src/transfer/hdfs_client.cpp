#include "transfer/hdfs_client.hpp"

#include <boost/json/object.hpp>

#include "logagent/base/error.hpp"
#include "logagent/base/json.hpp"
#include "transfer/hdfs_address.hpp"
#include "transfer/hdfs_layout.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;

namespace {

http::client_options options_of(const sink_settings& where) {
    http::client_options options;
    options.tls = where.tls;
    options.keep_idle = std::chrono::seconds{20};
    options.connect_timeout = std::chrono::seconds{10};
    return options;
}

/// {"Location":"..."} as the answer to noredirect=true, or the field of a redirect.
std::string place_in(const hdfs_answer& answer) {
    const auto parsed = base::parse_json(answer.body);
    if (!parsed || !parsed->is_object()) return answer.location;
    const auto* place = parsed->get_object().if_contains("Location");
    if (place == nullptr || !place->is_string()) return answer.location;
    return std::string{place->get_string()};
}

/// Counts a request while it is under way, however it ends.
class counted {
public:
    explicit counted(std::uint64_t& count) : count_{count} { ++count_; }
    ~counted() { --count_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

private:
    std::uint64_t& count_;
};

}  // namespace

hdfs_client::hdfs_client(asio::any_io_executor executor, dns::resolver& names, sink_settings where,
                         std::chrono::milliseconds timeout)
    : http_{executor, names, options_of(where)},
      uploads_{std::move(executor), names, options_of(where)},
      where_{std::move(where)},
      timeout_{timeout} {
    if (where_.token_file.empty()) return;
    auto read = os::read_secret_file(where_.token_file);
    if (!read.error.empty()) throw base::problem_error{{"token_file", read.error}};
    token_ = std::move(read.value);
}

std::string hdfs_client::identity() {
    if (!token_.text().empty()) return "&delegation=" + percent_encoded(token_.text());
    if (!where_.user.empty()) return "&user.name=" + percent_encoded(where_.user);
    return {};
}

asio::awaitable<hdfs_answer> hdfs_client::ask_one(http::endpoint to, http::request what) {
    ++requests_;
    const counted under_way{in_flight_};
    const auto answer = co_await http_.send(to, std::move(what), clock::now() + timeout_);
    if (!answer) co_return read_hdfs_failure(answer.error());
    auto read = read_hdfs_answer(*answer, to.authority());
    if (read.code == "permission") renew_token();
    co_return read;
}

void hdfs_client::renew_token() {
    if (where_.token_file.empty()) return;
    auto read = os::read_secret_file(where_.token_file);
    if (read.error.empty()) token_ = std::move(read.value);
}

asio::awaitable<hdfs_answer> hdfs_client::ask(std::string method, std::string path,
                                              std::string query) {
    http::request what;
    what.method = std::move(method);
    what.target = "/webhdfs/v1" + percent_encoded(path) + "?op=" + query + identity();
    hdfs_answer last;
    for (std::size_t tries = 0; tries < where_.url.size(); ++tries) {
        http::endpoint to = where_.url[current_];
        http::request copy = what;
        auto answer = co_await ask_one(std::move(to), std::move(copy));
        const bool elsewhere = answer.verdict == hdfs_verdict::standby ||
                               answer.code == "connection" || answer.code == "timeout";
        if (!elsewhere) co_return answer;
        current_ = (current_ + 1) % where_.url.size();
        // A NameNode that does not answer says more than one that is on standby as it should be.
        const bool tells_more = tries == 0 || answer.verdict != hdfs_verdict::standby;
        if (tells_more) last = std::move(answer);
    }
    last.verdict = hdfs_verdict::passing;
    co_return last;
}

asio::awaitable<hdfs_answer> hdfs_client::file_status(std::string path) {
    std::string query = "GETFILESTATUS";
    co_return co_await ask("GET", std::move(path), std::move(query));
}

asio::awaitable<hdfs_answer> hdfs_client::list(std::string path) {
    std::string query = "LISTSTATUS";
    co_return co_await ask("GET", std::move(path), std::move(query));
}

asio::awaitable<hdfs_answer> hdfs_client::make_directories(std::string path) {
    std::string query = "MKDIRS";
    co_return co_await ask("PUT", std::move(path), std::move(query));
}

asio::awaitable<hdfs_answer> hdfs_client::rename(std::string from, std::string to) {
    std::string query = "RENAME&destination=" + percent_encoded(to);
    co_return co_await ask("PUT", std::move(from), std::move(query));
}

asio::awaitable<hdfs_answer> hdfs_client::remove(std::string path) {
    std::string query = "DELETE";
    co_return co_await ask("DELETE", std::move(path), std::move(query));
}

asio::awaitable<hdfs_answer> hdfs_client::create(std::string path, const hdfs_spool& content,
                                                 std::string compress,
                                                 std::shared_ptr<hdfs_body_length> length) {
    std::string query = "CREATE&noredirect=true&overwrite=false";
    auto place = co_await ask("PUT", std::move(path), std::move(query));
    if (place.verdict != hdfs_verdict::done) co_return place;
    auto body = hdfs_body(content, compress, length);
    // A slow cluster takes a MiB in a second; what takes longer is broken.
    const std::chrono::milliseconds long_enough{timeout_.count() +
                                                static_cast<std::int64_t>(content.size() >> 10)};
    auto answer = co_await put(std::move(place), std::move(body), long_enough);
    const bool cut = answer.verdict == hdfs_verdict::done && !length->whole;
    if (cut) {
        answer.verdict = hdfs_verdict::passing;
        answer.code = "protocol";
        answer.text = "the DataNode answered before it had the whole file";
    }
    co_return answer;
}

asio::awaitable<hdfs_answer> hdfs_client::touch(std::string path) {
    std::string query = "CREATE&noredirect=true&overwrite=true";
    auto place = co_await ask("PUT", std::move(path), std::move(query));
    if (place.verdict != hdfs_verdict::done) co_return place;
    http::body_slices nothing = [] { return std::string{}; };
    co_return co_await put(std::move(place), std::move(nothing), timeout_);
}

asio::awaitable<hdfs_answer> hdfs_client::put(hdfs_answer place, http::body_slices body,
                                              std::chrono::milliseconds patience) {
    const auto address = read_hdfs_address(place_in(place), where_.rewrite);
    if (!address) {
        hdfs_answer nowhere;
        nowhere.verdict = hdfs_verdict::refused;
        nowhere.code = "protocol";
        nowhere.text = where_.url[current_].authority() +
                       ": its answer to CREATE names no DataNode: is this WebHDFS?";
        co_return nowhere;
    }
    http::request what;
    what.method = "PUT";
    what.target = address->target;
    what.fields.push_back({"Content-Type", "application/octet-stream"});
    ++requests_;
    const counted under_way{in_flight_};
    const auto until = clock::now() + patience;
    const auto answer =
        co_await uploads_.send(address->to, std::move(what), std::move(body), until);
    if (!answer) {
        hdfs_answer failed = read_hdfs_failure(answer.error());
        if (answer.error().why == http::error::cause::name)
            failed.text += " (a DataNode's name; the sink's rewrite can give the host to dial)";
        co_return failed;
    }
    co_return read_hdfs_answer(*answer, address->to.authority());
}

}  // namespace logagent::transfer

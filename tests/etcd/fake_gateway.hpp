#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/scripted_server.hpp"
#include "logagent/base/bytes.hpp"

namespace logagent::test {

/// A small etcd: keys, revisions and leases in memory behind a real socket, with watches that do
/// what the test says. It can be made to answer oddly.
class fake_gateway {
public:
    struct stored {
        std::string value;
        std::int64_t create = 0;
        std::int64_t mod = 0;
        std::int64_t version = 0;
        std::int64_t lease = 0;
    };
    struct call {
        std::string path;
        std::string body;
        std::string authorization;
        bool has_leader = false;  // the request asked for a leader
    };
    using watch_script = std::function<boost::asio::awaitable<void>(scripted_connection&)>;

    explicit fake_gateway(boost::asio::io_context& loop)
        : server_{loop, [this](scripted_connection& one) { return serve(one); }} {}

    std::uint16_t port() const { return server_.port(); }
    std::string address() const { return server_.address(); }

    std::map<std::string, stored> keys;
    std::int64_t revision = 1;
    std::uint64_t cluster_id = 77;
    std::int64_t next_lease = 1000;
    std::vector<call> calls;
    std::vector<call> watches;

    /// What watch number n does after its request was read; the last one serves all later ones.
    std::vector<watch_script> on_watch;

    /// A raw HTTP answer instead of the model's; "" closes the connection; nullopt = the model
    /// answers.
    std::function<std::optional<std::string>(const call&)> instead;

    std::int64_t put(const std::string& key, const std::string& value, std::int64_t lease = 0) {
        auto& entry = keys[key];
        ++revision;
        if (entry.version == 0) entry.create = revision;
        entry.value = value;
        entry.mod = revision;
        entry.lease = lease;
        ++entry.version;
        return revision;
    }
    std::int64_t remove(const std::string& key) {
        keys.erase(key);
        return ++revision;
    }

    int count(std::string_view path) const {
        return static_cast<int>(std::ranges::count(calls, path, &call::path));
    }

    // Messages of a watch, each with its line end.
    static std::string stream_head() {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
               "chunked\r\n\r\n";
    }
    static std::string chunk(const std::string& text) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", text.size());
        return size + text + "\r\n";
    }
    std::string header() const {
        return R"("header":{"cluster_id":")" + std::to_string(cluster_id) + R"(","revision":")" +
               std::to_string(revision) + "\"}";
    }
    std::string created(int id = 1) const {
        return "{\"result\":{" + header() + ",\"watch_id\":\"" + std::to_string(id) +
               "\",\"created\":true}}\n";
    }
    static std::string put_event(const std::string& key, const std::string& value,
                                 std::int64_t mod) {
        return R"({"kv":{"key":")" + base::base64_encode(key) + R"(","value":")" +
               base::base64_encode(value) + R"(","mod_revision":")" + std::to_string(mod) + "\"}}";
    }
    static std::string remove_event(const std::string& key, std::int64_t mod) {
        return R"({"type":"DELETE","kv":{"key":")" + base::base64_encode(key) +
               R"(","mod_revision":")" + std::to_string(mod) + "\"}}";
    }
    std::string events(const std::vector<std::string>& list, int id = 1,
                       bool fragment = false) const {
        std::string text =
            "{\"result\":{" + header() + ",\"watch_id\":\"" + std::to_string(id) + "\"";
        if (fragment) text += ",\"fragment\":true";
        text += ",\"events\":[";
        for (std::size_t i = 0; i < list.size(); ++i)
            text += (i > 0 ? "," : "") + list[i];
        return text + "]}}\n";
    }

    /// The usual script: the stream is created and then silent.
    watch_script silent() {
        return [this](scripted_connection& one) { return created_then(one, {}); };
    }
    /// Created, then these texts, one chunk each, then silent.
    boost::asio::awaitable<void> created_then(scripted_connection& one,
                                              std::vector<std::string> texts, bool end = false) {
        co_await begin(one);
        for (const auto& text : texts) {
            std::string piece = chunk(text);
            co_await one.send(std::move(piece));
        }
        if (end) co_return;
        co_await one.until_closed();
    }
    /// The head and one `created` for each watch of the request.
    boost::asio::awaitable<void> begin(scripted_connection& one) {
        std::string text = stream_head();
        const std::string& asked = watches.back().body;
        int id = 0;
        for (auto at = asked.find("create_request"); at != std::string::npos;
             at = asked.find("create_request", at + 1))
            text += chunk(created(++id));
        co_await one.send(std::move(text));
    }

private:
    boost::asio::awaitable<void> serve(scripted_connection& one) {
        for (;;) {
            const std::string request = co_await one.request();
            call seen = read(request);
            calls.push_back(seen);
            const auto odd = instead ? instead(seen) : std::nullopt;
            if (odd && odd->empty()) co_return;
            if (odd) {
                co_await one.send(*odd);
            } else if (seen.path == "/v3/watch") {
                watches.push_back(seen);
                if (on_watch.empty()) on_watch.push_back(silent());
                const watch_script script = on_watch[std::min(watches.size(), on_watch.size()) - 1];
                co_await script(one);
                co_return;
            } else {
                std::string text = model(seen);
                co_await one.send(std::move(text));
            }
        }
    }

    static call read(const std::string& request) {
        call seen;
        const auto begin = request.find(' ') + 1;
        seen.path = request.substr(begin, request.find(' ', begin) - begin);
        seen.body = request.substr(request.find("\r\n\r\n") + 4);
        const auto at = request.find("Authorization: ");
        if (at != std::string::npos)
            seen.authorization = request.substr(at + 15, request.find("\r\n", at) - at - 15);
        seen.has_leader = request.find("Grpc-Metadata-Hasleader: true") != std::string::npos;
        return seen;
    }

    static std::string text_of(const boost::json::object& from, const char* field) {
        const auto* found = from.if_contains(field);
        return found == nullptr ? std::string{} : *base::base64_decode(found->as_string());
    }
    static std::int64_t number_of(const boost::json::object& from, const char* field) {
        const auto* found = from.if_contains(field);
        return found == nullptr ? 0 : std::stoll(std::string{found->as_string()});
    }

    std::string model(const call& seen) {
        const auto parsed = boost::json::parse(seen.body);
        const auto& body = parsed.as_object();
        boost::json::object answer;
        if (seen.path == "/v3/kv/range") {
            answer = range(body);
        } else if (seen.path == "/v3/kv/put") {
            put(text_of(body, "key"), text_of(body, "value"), number_of(body, "lease"));
        } else if (seen.path == "/v3/kv/txn") {
            answer = txn(body);
        } else if (seen.path == "/v3/lease/grant") {
            answer["ID"] = std::to_string(++next_lease);
            answer["TTL"] = body.at("TTL");
        } else if (seen.path == "/v3/lease/keepalive") {
            boost::json::object inner;
            inner["ID"] = body.at("ID");
            if (number_of(body, "ID") == next_lease) inner["TTL"] = "30";
            answer["result"] = inner;
        } else if (seen.path == "/v3/lease/revoke") {
            std::erase_if(
                keys, [&](const auto& one) { return one.second.lease == number_of(body, "ID"); });
            ++revision;
        } else if (seen.path == "/v3/auth/authenticate") {
            answer["token"] = "token-" + std::to_string(count("/v3/auth/authenticate"));
        } else {
            return http_answer("Not Found", "404 Not Found");
        }
        boost::json::object head;
        head["cluster_id"] = std::to_string(cluster_id);
        head["revision"] = std::to_string(revision);
        answer["header"] = head;
        return http_answer(boost::json::serialize(answer));
    }

    boost::json::object range(const boost::json::object& body) const {
        boost::json::array found;
        std::int64_t total = 0;
        const auto key = text_of(body, "key");
        const auto end = text_of(body, "range_end");
        const auto limit = number_of(body, "limit");
        std::vector<std::pair<std::string, stored>> all;
        for (const auto& one : keys) {
            const bool inside =
                end.empty() ? one.first == key
                            : one.first >= key && (one.first < end || end == std::string(1, '\0'));
            if (inside) all.push_back(one);
        }
        if (body.contains("sort_target"))
            std::ranges::sort(all, std::greater{}, [](const auto& one) { return one.second.mod; });
        for (const auto& [name, entry] : all) {
            ++total;
            if (body.contains("count_only")) continue;
            if (limit > 0 && static_cast<std::int64_t>(found.size()) >= limit) continue;
            boost::json::object kv;
            kv["key"] = base::base64_encode(name);
            if (!body.contains("keys_only")) kv["value"] = base::base64_encode(entry.value);
            kv["create_revision"] = std::to_string(entry.create);
            kv["mod_revision"] = std::to_string(entry.mod);
            kv["version"] = std::to_string(entry.version);
            if (entry.lease != 0) kv["lease"] = std::to_string(entry.lease);
            found.push_back(kv);
        }
        boost::json::object answer;
        if (limit > 0 && total > limit && !body.contains("count_only")) answer["more"] = true;
        answer["count"] = std::to_string(total);
        if (!found.empty()) answer["kvs"] = found;
        return answer;
    }

    bool holds(const boost::json::object& condition) {
        const auto found = keys.find(text_of(condition, "key"));
        const stored entry = found == keys.end() ? stored{} : found->second;
        const auto target = condition.at("target").as_string();
        if (target == "VERSION") return entry.version == number_of(condition, "version");
        if (target == "MOD") return entry.mod == number_of(condition, "mod_revision");
        if (target == "LEASE") return entry.lease == number_of(condition, "lease");
        return entry.value == text_of(condition, "value");
    }

    boost::json::object txn(const boost::json::object& body) {
        bool all = true;
        for (const auto& one : body.at("compare").as_array())
            all = all && holds(one.as_object());
        boost::json::object answer;
        boost::json::array responses;
        if (all) answer["succeeded"] = true;
        for (const auto& one : body.at(all ? "success" : "failure").as_array()) {
            const auto& operation = one.as_object();
            boost::json::object response;
            if (const auto* what = operation.if_contains("request_put")) {
                const auto& fields = what->as_object();
                put(text_of(fields, "key"), text_of(fields, "value"), number_of(fields, "lease"));
                response["response_put"] = boost::json::object{};
            } else if (const auto* asked = operation.if_contains("request_range")) {
                response["response_range"] = range(asked->as_object());
            } else {
                remove(text_of(operation.at("request_delete_range").as_object(), "key"));
                response["response_delete_range"] = boost::json::object{};
            }
            responses.push_back(response);
        }
        answer["responses"] = responses;
        return answer;
    }

    scripted_server server_;  // last: it ends first
};

/// The JSON of an error of etcd as an HTTP answer.
inline std::string error_answer(std::string_view status, int code, const std::string& message) {
    boost::json::object body;
    body["error"] = message;
    body["message"] = message;
    body["code"] = code;
    return http_answer(boost::json::serialize(body), status);
}

}  // namespace logagent::test

#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "http/scripted_server.hpp"
#include "http/text.hpp"

namespace logagent::test {

/// A NameNode and DataNode in one, which keeps its files in memory. It answers as Hadoop 3.5 does.
class fake_webhdfs {
public:
    enum class act {
        serve,        // as it should be
        hang,         // does nothing and never answers
        hang_after,   // does it, and never answers
        refuse,       // answers with `exception`, and does nothing
        close,        // closes the connection, having done nothing
        close_after,  // closes it, having done it
    };

    explicit fake_webhdfs(boost::asio::io_context& loop)
        : server{loop, [this](scripted_connection& each) { return serve(each); }} {}

    /// Asked before each request; `op` is "CREATE", "PUT" (the second step of it), "RENAME", ...
    std::function<act(const std::string& op, const std::string& path)> before;
    std::string exception = "StandbyException";
    std::string datanode = "127.0.0.1";  // how the NameNode calls it

    std::map<std::string, std::string> files;
    std::set<std::string> directories;
    std::vector<std::string> log;      // "OP path"
    std::vector<std::string> targets;  // as they came

    /// Names below `root` that readers would take, with their content.
    std::map<std::string, std::string> published(const std::string& root) const {
        std::map<std::string, std::string> found;
        for (const auto& [path, content] : files)
            if (path.starts_with(root + "/") && path.find("/_") == path.npos) found[path] = content;
        return found;
    }
    std::size_t count(const std::string& piece) const {
        std::size_t sum = 0;
        for (const auto& [path, content] : files)
            if (path.find(piece) != path.npos) ++sum;
        return sum;
    }

    scripted_server server;

private:
    struct question {
        std::string op;
        std::string path;
        std::string destination;
        bool overwrite = false;
        std::string body;
    };

    static question read(const std::string& text) {
        http::request what;
        what.method = text.substr(0, text.find(' '));
        const auto begin = what.method.size() + 1;
        what.target = text.substr(begin, text.find(' ', begin) - begin);
        question asked;
        asked.op = what.query("op").value_or("");
        if (what.query("step2")) asked.op = "PUT";
        asked.path = http::percent_decoded(what.path(), false).substr(11);  // "/webhdfs/v1"
        asked.destination = what.query("destination").value_or("");
        asked.overwrite = what.query("overwrite") == "true";
        if (text.find("Transfer-Encoding: chunked") != text.npos) asked.body = unchunked(text);
        return asked;
    }

    boost::asio::awaitable<void> serve(scripted_connection& connection) {
        for (;;) {
            const std::string text = co_await connection.request();
            const question asked = read(text);
            if (asked.op != "PUT") targets.push_back(text.substr(0, text.find('\r')));
            log.push_back(asked.op + " " + asked.path);
            const act what = before ? before(asked.op, asked.path) : act::serve;
            const bool done = what != act::hang && what != act::refuse && what != act::close;
            std::string answer = done ? perform(asked) : thrown("403 Forbidden", exception);
            if (what == act::close || what == act::close_after) co_return;
            if (what == act::hang || what == act::hang_after) co_await connection.until_closed();
            co_await connection.send(std::move(answer));
        }
    }

    std::string perform(const question& asked) {
        if (asked.op == "CREATE")
            return http_answer(
                "{\"Location\":\"http://" + datanode + ":" + std::to_string(server.port()) +
                "/webhdfs/v1" + asked.path +
                "?op=CREATE&step2=1&overwrite=" + (asked.overwrite ? "true" : "false") + "\"}");
        if (asked.op == "PUT") return put(asked);
        if (asked.op == "GETFILESTATUS") return status(asked.path);
        if (asked.op == "LISTSTATUS") return list(asked.path);
        if (asked.op == "MKDIRS") {
            make(asked.path);
            return yes(true);
        }
        if (asked.op == "RENAME") return yes(rename(asked.path, asked.destination));
        if (asked.op == "DELETE") return yes(files.erase(asked.path) == 1);
        return thrown("400 Bad Request", "IllegalArgumentException");
    }

    std::string put(const question& asked) {
        if (files.contains(asked.path) && !asked.overwrite)
            return thrown("403 Forbidden", "FileAlreadyExistsException");
        make(asked.path.substr(0, asked.path.rfind('/')));
        files[asked.path] = asked.body;
        // It says to go on without being asked.
        return "HTTP/1.1 100 Continue\r\n\r\n" + http_answer("", "201 Created");
    }

    std::string status(const std::string& path) const {
        const auto file = files.find(path);
        if (file != files.end())
            return http_answer("{\"FileStatus\":{\"type\":\"FILE\",\"length\":" +
                               std::to_string(file->second.size()) + "}}");
        if (directories.contains(path))
            return http_answer("{\"FileStatus\":{\"type\":\"DIRECTORY\",\"length\":0}}");
        return thrown("404 Not Found", "FileNotFoundException");
    }

    std::string list(const std::string& path) const {
        if (!directories.contains(path)) return thrown("404 Not Found", "FileNotFoundException");
        std::string names;
        for (const auto& [each, content] : files)
            if (each.starts_with(path + "/"))
                names += (names.empty() ? "" : ",") +
                         ("{\"pathSuffix\":\"" + each.substr(path.size() + 1) + "\"}");
        return http_answer("{\"FileStatuses\":{\"FileStatus\":[" + names + "]}}");
    }

    bool rename(const std::string& from, std::string to) {
        const auto file = files.find(from);
        if (directories.contains(to)) to += from.substr(from.rfind('/'));
        const bool parent = directories.contains(to.substr(0, to.rfind('/')));
        if (file == files.end() || files.contains(to) || !parent) return false;
        files[to] = file->second;
        files.erase(from);
        return true;
    }

    void make(std::string path) {
        for (; !path.empty(); path.resize(path.rfind('/')))
            directories.insert(path);
    }

    static std::string yes(bool value) {
        return http_answer(value ? "{\"boolean\":true}" : "{\"boolean\":false}");
    }
    static std::string thrown(std::string_view status, const std::string& name) {
        return http_answer("{\"RemoteException\":{\"exception\":\"" + name +
                               "\",\"message\":\"as the test wants\"}}",
                           status);
    }
};

}  // namespace logagent::test

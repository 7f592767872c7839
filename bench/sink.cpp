// A server that only answers, for measuring `logagent transfer`: Elasticsearch's _bulk and as much
// of WebHDFS as transfer asks for. It counts and forgets what it gets. In a process of its own, so
// that its CPU is not counted for the one that is measured. Prints its port and serves until it is
// told to end; GET /stats tells what came.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t read_size = 512 << 10;

struct totals {
    std::uint64_t documents = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    std::uint64_t file_lines = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t files = 0;
    double first_s = 0;  // when the first body began and the last one ended
    double last_s = 0;
} seen;

std::map<std::string, std::uint64_t> files;  // path -> length
bool stalls = false;
int port = 0;

double now_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::uint64_t lines_in(std::string_view text) {
    std::uint64_t count = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while ((at = static_cast<const char*>(
                std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
        ++count;
        ++at;
    }
    return count;
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%' || at + 2 >= text.size()) {
            out += text[at];
            continue;
        }
        out += static_cast<char>(
            std::strtol(std::string{text.substr(at + 1, 2)}.c_str(), nullptr, 16));
        at += 2;
    }
    return out;
}

std::string answer(int status, std::string_view body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " x\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

const std::string& bulk_answer(std::uint64_t documents) {
    static std::map<std::uint64_t, std::string> made;
    auto& out = made[documents];
    if (!out.empty()) return out;
    std::string body = "{\"errors\":false,\"items\":[";
    for (std::uint64_t at = 0; at < documents; ++at)
        body += std::string{at ? "," : ""} + "{\"create\":{\"status\":201}}";
    return out = answer(200, body + "]}");
}

std::string stats() {
    char text[400];
    std::snprintf(text, sizeof text,
                  "{\"documents\":%llu,\"requests\":%llu,\"bytes\":%llu,\"file_lines\":%llu,"
                  "\"file_bytes\":%llu,\"files\":%llu,\"seconds\":%.3f}",
                  static_cast<unsigned long long>(seen.documents),
                  static_cast<unsigned long long>(seen.requests),
                  static_cast<unsigned long long>(seen.bytes),
                  static_cast<unsigned long long>(seen.file_lines),
                  static_cast<unsigned long long>(seen.file_bytes),
                  static_cast<unsigned long long>(seen.files), seen.last_s - seen.first_s);
    return answer(200, text);
}

/// One client: requests one after the other.
class connection {
public:
    explicit connection(int fd) : fd_{fd} {}
    ~connection() { ::close(fd_); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// False = it is over.
    bool readable(char* room) {
        for (;;) {
            const auto got = ::recv(fd_, room, read_size, MSG_DONTWAIT);
            if (got == 0) return false;
            if (got < 0) return errno == EAGAIN || errno == EINTR;
            if (!feed({room, static_cast<std::size_t>(got)})) return false;
            if (static_cast<std::size_t>(got) < read_size) return true;
        }
    }

private:
    enum class part { head, body, chunk_head, chunk, chunk_end };

    bool feed(std::string_view text) {
        while (!text.empty()) {
            if (part_ == part::body || part_ == part::chunk) {
                const auto piece = text.substr(0, left_);
                took(piece);
                text.remove_prefix(piece.size());
                left_ -= piece.size();
                if (left_ > 0) break;
                if (part_ == part::body && !finish()) return false;
                if (part_ == part::chunk) part_ = part::chunk_end;
                continue;
            }
            // Heads are short: they are gathered up to their end.
            const std::string_view end = part_ == part::head ? "\r\n\r\n" : "\r\n";
            const auto before = gathered_.size();
            gathered_ += text.substr(0, 16 << 10);
            const auto at = gathered_.find(end);
            if (at == gathered_.npos) {
                text.remove_prefix(gathered_.size() - before);
                continue;
            }
            text.remove_prefix(at + end.size() - before);
            gathered_.resize(at);
            const std::string line = std::exchange(gathered_, {});
            if (!gathered(line)) return false;
        }
        return true;
    }

    bool gathered(const std::string& text) {
        if (part_ == part::head) return begin(text);
        if (part_ == part::chunk_end) {
            part_ = part::chunk_head;
            if (!ending_) return true;
            return finish();
        }
        left_ = std::strtoull(text.c_str(), nullptr, 16);
        ending_ = left_ == 0;
        part_ = ending_ ? part::chunk_end : part::chunk;
        return true;
    }

    bool begin(const std::string& head) {
        const auto space = head.find(' ');
        method_ = head.substr(0, space);
        target_ = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
        lines_ = bytes_ = 0;
        if (seen.first_s == 0 && target_ != "/stats") seen.first_s = now_s();
        if (head.find("chunked") != head.npos) {
            part_ = part::chunk_head;
            return true;
        }
        const auto length = head.find("Content-Length: ");
        left_ = length == head.npos ? 0 : std::strtoull(head.c_str() + length + 16, nullptr, 10);
        part_ = part::body;
        if (head.find("100-continue") != head.npos && !send("HTTP/1.1 100 Continue\r\n\r\n"))
            return false;
        return left_ > 0 || finish();
    }

    void took(std::string_view piece) {
        bytes_ += piece.size();
        lines_ += lines_in(piece);
    }

    bool finish() {
        part_ = part::head;
        if (target_ == "/stats") return send(stats());
        if (target_.starts_with("/_bulk")) {
            if (stalls) return true;
            ++seen.requests;
            seen.documents += lines_ / 2;
            seen.bytes += bytes_;
            seen.last_s = now_s();
            return send(bulk_answer(lines_ / 2));
        }
        if (target_.starts_with("/webhdfs/v1")) return send(of_name_node());
        if (target_.starts_with("/data/")) {
            files[unescaped(target_.substr(5))] = bytes_;
            seen.file_lines += lines_;
            seen.file_bytes += bytes_;
            seen.last_s = now_s();
            return send(answer(201, ""));
        }
        return send(answer(200, "{\"acknowledged\":true}"));
    }

    std::string of_name_node() {
        const auto query = target_.find('?');
        const auto path = unescaped(target_.substr(11, query - 11));
        const auto has = [&](std::string_view what) { return target_.find(what) != target_.npos; };
        if (has("op=CREATE"))
            return answer(200, "{\"Location\":\"http://127.0.0.1:" + std::to_string(port) +
                                   "/data" + target_.substr(11, query - 11) + "\"}");
        if (has("op=RENAME")) {
            const auto at = target_.find("destination=") + 12;
            const auto to = unescaped(target_.substr(at, target_.find('&', at) - at));
            const bool yes = files.contains(path) && !files.contains(to);
            if (yes) {
                files[to] = files[path];
                files.erase(path);
                ++seen.files;
            }
            return answer(200, yes ? "{\"boolean\":true}" : "{\"boolean\":false}");
        }
        if (has("op=GETFILESTATUS") && files.contains(path))
            return answer(200, "{\"FileStatus\":{\"type\":\"FILE\",\"length\":" +
                                   std::to_string(files[path]) + "}}");
        if (has("op=MKDIRS") || has("op=DELETE")) return answer(200, "{\"boolean\":true}");
        return answer(404,
                      "{\"RemoteException\":{\"exception\":\"FileNotFoundException\","
                      "\"javaClassName\":\"\",\"message\":\"no such file\"}}");
    }

    bool send(std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0) return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    int fd_;
    part part_ = part::head;
    std::string gathered_;
    std::uint64_t left_ = 0;
    bool ending_ = false;
    std::string method_, target_;
    std::uint64_t lines_ = 0, bytes_ = 0;
};

int listen_somewhere() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 64) != 0)
        return -1;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return fd;
}

}  // namespace

int main(int count, char** arguments) {
    CLI::App app{"a sink that only answers"};
    app.add_flag("--stall", stalls, "never answer _bulk");
    CLI11_PARSE(app, count, arguments);
    const int listening = listen_somewhere();
    if (listening < 0) return 1;
    std::printf("%d\n", port);
    std::fflush(stdout);
    const int events = ::epoll_create1(0);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = listening;
    ::epoll_ctl(events, EPOLL_CTL_ADD, listening, &wanted);
    std::map<int, std::unique_ptr<connection>> open;
    const auto room = std::make_unique<char[]>(read_size);
    for (;;) {
        epoll_event ready[32];
        const int got = ::epoll_wait(events, ready, 32, -1);
        for (int at = 0; at < got; ++at) {
            const int fd = ready[at].data.fd;
            if (fd != listening) {
                if (!open.at(fd)->readable(room.get())) open.erase(fd);
                continue;
            }
            const int next = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
            if (next < 0) continue;
            const int on = 1;
            ::setsockopt(next, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            open[next] = std::make_unique<connection>(next);
            wanted.data.fd = next;
            ::epoll_ctl(events, EPOLL_CTL_ADD, next, &wanted);
        }
    }
}

#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace logagent::test {

/// A private etcd on free loopback ports with its data in a temporary directory; it ends and leaves
/// nothing behind with the object.
class real_etcd {
public:
    static constexpr const char* program = "/usr/bin/etcd";
    static bool available() { return ::access(program, X_OK) == 0; }

    /// `options` are added to the command line; `scheme` of the client address.
    explicit real_etcd(std::vector<std::string> options = {}, std::string scheme = "http")
        : options_{std::move(options)}, scheme_{std::move(scheme)} {
        std::string pattern = std::filesystem::temp_directory_path() / "logagent-etcd-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::runtime_error{"test: no temporary directory"};
        directory_ = pattern;
        port_ = free_port();
        peer_port_ = free_port();
        start();
    }
    ~real_etcd() {
        kill();
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    real_etcd(const real_etcd&) = delete;
    real_etcd& operator=(const real_etcd&) = delete;

    std::uint16_t port() const { return port_; }

    /// kill -9, and waits for the end.
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

    /// Loses all data, as a cluster that was set up again under its old address.
    void wipe() { std::filesystem::remove_all(directory_ + "/data"); }

    /// Again on the same data and ports.
    void start() {
        const std::string client = scheme_ + "://127.0.0.1:" + std::to_string(port_);
        const std::string peer = "http://127.0.0.1:" + std::to_string(peer_port_);
        std::vector<std::string> words{program,
                                       "--data-dir=" + directory_ + "/data",
                                       "--listen-client-urls=" + client,
                                       "--advertise-client-urls=" + client,
                                       "--listen-peer-urls=" + peer,
                                       "--initial-advertise-peer-urls=" + peer,
                                       "--initial-cluster=default=" + peer,
                                       "--heartbeat-interval=10",
                                       "--election-timeout=100",
                                       "--logger=zap"};
        words.insert(words.end(), options_.begin(), options_.end());
        std::vector<char*> arguments;
        for (auto& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t quiet;
        posix_spawn_file_actions_init(&quiet);
        const std::string log = directory_ + "/log";
        posix_spawn_file_actions_addopen(&quiet, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                         0600);
        posix_spawn_file_actions_adddup2(&quiet, 1, 2);
        const int failed =
            ::posix_spawn(&pid_, program, &quiet, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&quiet);
        if (failed != 0) throw std::runtime_error{"test: cannot start etcd"};
    }

private:
    static std::uint16_t free_port() {
        boost::asio::io_context loop;
        using boost::asio::ip::tcp;
        const tcp::acceptor one{loop, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
        return one.local_endpoint().port();
    }

    std::vector<std::string> options_;
    std::string scheme_;
    std::string directory_;
    std::uint16_t port_ = 0;
    std::uint16_t peer_port_ = 0;
    pid_t pid_ = 0;
};

}  // namespace logagent::test

#include "logagent/os/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace logagent::os {

service_notifier::service_notifier(std::string socket,
                                   std::optional<std::chrono::microseconds> watchdog)
    : socket_{std::move(socket)}, watchdog_{watchdog} {
    if (socket_.size() < 2 || socket_.size() >= sizeof(sockaddr_un::sun_path)) socket_.clear();
    if (!socket_.empty()) fd_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

service_notifier service_notifier::from_environment() {
    const auto text = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string{value ? value : ""};
    };
    // WATCHDOG_PID names the process that is meant: a child inherits the environment.
    std::optional<std::chrono::microseconds> watchdog;
    const auto pid = text("WATCHDOG_PID");
    const auto interval = std::strtoull(text("WATCHDOG_USEC").c_str(), nullptr, 10);
    if (interval > 0 && (pid.empty() || pid == std::to_string(::getpid())))
        watchdog = std::chrono::microseconds{interval};
    return service_notifier{text("NOTIFY_SOCKET"), watchdog};
}

void service_notifier::status(std::string_view text) {
    std::string line = "STATUS=" + std::string{text};
    std::replace(line.begin(), line.end(), '\n', ' ');
    send(line);
}

void service_notifier::send(std::string_view message) {
    if (!fd_) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (socket_[0] == '@') address.sun_path[0] = '\0';  // abstract: the length ends it
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    ::sendto(fd_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace logagent::os

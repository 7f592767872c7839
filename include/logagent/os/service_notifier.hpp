#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

/// Tells the service manager how this process does (the protocol of sd_notify(3)). Never waits and
/// never fails: without a manager, or with one that does not listen, a message is simply gone.
class service_notifier {
public:
    /// `socket`: NOTIFY_SOCKET, a path, or "@name" for an abstract address; empty = no manager.
    explicit service_notifier(std::string socket,
                              std::optional<std::chrono::microseconds> watchdog = {});

    /// As the service manager started this process.
    static service_notifier from_environment();

    void ready() { send("READY=1"); }
    void stopping() { send("STOPPING=1"); }
    /// One line for people; a line end in it becomes a space.
    void status(std::string_view text);
    void watchdog() { send("WATCHDOG=1"); }

    /// How often watchdog() must be called at least; call it twice as often. Nothing = not asked
    /// for.
    std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_; }

private:
    void send(std::string_view message);

    std::string socket_;
    std::optional<std::chrono::microseconds> watchdog_;
    unique_fd fd_;
};

}  // namespace logagent::os

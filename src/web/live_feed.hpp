#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace logagent::web {

/// Something whose events go to one client. Events that the client is not ready for wait here,
/// within a limit.
class live_feed {
public:
    using clock = std::chrono::steady_clock;

    virtual ~live_feed() = default;

    /// take() has something now.
    virtual bool ready(clock::time_point now) const = 0;
    /// When ready() may turn true by itself; max = only after `wake` was called.
    virtual clock::time_point due() const { return clock::time_point::max(); }
    /// Appends events, some 100 KiB at most.
    virtual void take(std::string& out, clock::time_point now) = 0;
    /// Nothing will come any more.
    virtual bool over() const { return false; }

    /// Called when ready() has turned true; may be empty.
    std::function<void()> wake;

protected:
    void tell() const {
        if (wake) wake();
    }
};

}  // namespace logagent::web

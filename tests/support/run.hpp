#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace logagent::test {

/// Runs `loop` until `ready()`; throws when that takes longer than `limit`, so that a hang is a
/// failure.
template <class Ready>
void run_until(boost::asio::io_context& loop, Ready ready,
               std::chrono::steady_clock::duration limit = std::chrono::seconds{20}) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    loop.restart();
    while (!ready()) {
        if (std::chrono::steady_clock::now() >= deadline)
            throw std::runtime_error{"test: timed out"};
        if (loop.run_one_until(deadline) == 0 && loop.stopped() && !ready())
            throw std::runtime_error{"test: the loop ran out of work"};
    }
}

/// Runs `loop` until the coroutine has ended and returns its value or throws its exception.
template <class Value>
Value run(boost::asio::io_context& loop, boost::asio::awaitable<Value> task,
          std::chrono::steady_clock::duration limit = std::chrono::seconds{20}) {
    std::optional<Value> value;
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, Value result) {
        failure = thrown;
        value = std::move(result);
    });
    run_until(
        loop, [&] { return value.has_value(); }, limit);
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
}

inline void run(boost::asio::io_context& loop, boost::asio::awaitable<void> task,
                std::chrono::steady_clock::duration limit = std::chrono::seconds{20}) {
    bool ended = false;
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown) {
        failure = thrown;
        ended = true;
    });
    run_until(
        loop, [&] { return ended; }, limit);
    if (failure) std::rethrow_exception(failure);
}

/// A coroutine that runs beside the test and is stopped and waited for at the end of the scope.
class background {
public:
    background(boost::asio::io_context& loop, boost::asio::awaitable<void> task) : loop_{loop} {
        boost::asio::co_spawn(
            loop, std::move(task),
            boost::asio::bind_cancellation_slot(stop_.slot(), [this](std::exception_ptr thrown) {
                failure_ = thrown;
                ended_ = true;
            }));
    }
    ~background() { stop(); }
    background(const background&) = delete;
    background& operator=(const background&) = delete;

    /// Returns how long it took until the task had ended.
    std::chrono::steady_clock::duration stop() {
        const auto begin = std::chrono::steady_clock::now();
        if (!ended_) stop_.emit(boost::asio::cancellation_type::terminal);
        run_until(loop_, [&] { return ended_; });
        return std::chrono::steady_clock::now() - begin;
    }

    bool ended() const { return ended_; }
    std::exception_ptr failure() const { return failure_; }

private:
    boost::asio::io_context& loop_;
    boost::asio::cancellation_signal stop_;
    std::exception_ptr failure_;
    bool ended_ = false;
};

}  // namespace logagent::test

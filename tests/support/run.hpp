#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
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
    boost::asio::cancellation_signal stop;
    std::exception_ptr failure;
    bool ended = false;
    const auto wait = [&] {
        try {
            run_until(
                loop, [&] { return ended; }, limit);
        } catch (...) {
            // The coroutine refers to things of the test, so it must not outlive this call.
            loop.restart();
            boost::asio::post(loop, [&] {
                if (!ended) stop.emit(boost::asio::cancellation_type::terminal);
            });
            loop.poll();
            throw;
        }
        if (failure) std::rethrow_exception(failure);
    };
    if constexpr (std::is_void_v<Value>) {
        boost::asio::co_spawn(
            loop, std::move(task),
            boost::asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown) {
                failure = thrown;
                ended = true;
            }));
        wait();
    } else {
        std::optional<Value> value;
        boost::asio::co_spawn(loop, std::move(task),
                              boost::asio::bind_cancellation_slot(
                                  stop.slot(), [&](std::exception_ptr thrown, Value result) {
                                      failure = thrown;
                                      if (!thrown) value.emplace(std::move(result));
                                      ended = true;
                                  }));
        wait();
        return std::move(*value);
    }
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
        // On the loop: from outside, Asio would queue the stop with a pointer into the signal,
        // which the end of the task may destroy first.
        boost::asio::post(loop_, [this] {
            if (!ended_) stop_.emit(boost::asio::cancellation_type::terminal);
            asked_ = true;
        });
        run_until(loop_, [&] { return ended_ && asked_; });
        asked_ = false;
        return std::chrono::steady_clock::now() - begin;
    }

    bool ended() const { return ended_; }
    std::exception_ptr failure() const { return failure_; }

private:
    boost::asio::io_context& loop_;
    boost::asio::cancellation_signal stop_;
    std::exception_ptr failure_;
    bool ended_ = false;
    bool asked_ = false;  // the stop is not in the queue any more
};

}  // namespace logagent::test

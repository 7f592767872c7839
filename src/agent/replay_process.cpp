#include "replay_process.hpp"

#include "logagent/base/log.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using kind = replay_line::kind;

constexpr auto end_patience = 5s;  // between its last line and its end
constexpr auto terminated = "was killed by signal 15";

}  // namespace

asio::awaitable<std::optional<replay_line>> replay_process::next() {
    for (;;) {
        const auto text = co_await child_.next_line();
        if (!text) break;
        auto line = read_replay_line(*text);
        if (!line) {
            LOGAGENT_LOG(warn, "command.replay",
                         "its process printed what cannot be read: " << line.error().text);
            continue;
        }
        if (line->state != kind::planned && line->state != kind::running) last_ = *line;
        co_return *std::move(line);
    }
    const auto deadline = clock::now() + end_patience;
    co_await child_.wait(deadline);
    co_return std::nullopt;
}

void replay_process::stop(clock::time_point deadline, bool cancelled) {
    asked_ = true;
    cancelled_ = cancelled_ || cancelled;
    child_.stop(deadline);
}

std::optional<command_outcome> replay_process::outcome() const {
    if (last_ && last_->state == kind::done) return command_outcome{true, {}, {}, {}};
    const bool interrupted =
        asked_ || (last_ ? last_->state == kind::stopped : child_.end() == terminated);
    if (interrupted && !cancelled_) return std::nullopt;
    if (last_ && last_->state == kind::failed)
        return command_outcome{false, last_->code, last_->text, {}};
    return command_outcome{false, "process", "the process of the replay " + child_.end(), {}};
}

}  // namespace logagent::agent

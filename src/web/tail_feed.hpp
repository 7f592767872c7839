#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "line_sampler.hpp"
#include "live_feed.hpp"
#include "tail_query.hpp"

namespace logagent::web {

/// A line on its way to those who follow it. Borrowed.
struct live_line {
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t at_ms = 0;                      // wall clock
    const fleet::record_origin* from = nullptr;  // null: its record does not say
    std::string_view text;
};

/// The lines that one client follows: events `lines`, `status` each second, `problem`.
class tail_feed final : public live_feed {
public:
    static constexpr std::size_t longest_shown = 8192;  // bytes of a line; the rest is cut

    tail_feed(tail_query query, principal who, std::function<void(tail_feed&)> closed,
              clock::time_point now);
    ~tail_feed() override;

    const tail_query& query() const noexcept { return query_; }
    const principal& who() const noexcept { return who_; }
    const tail_scope& scope() const noexcept { return scope_; }
    void set_scope(tail_scope scope, clock::time_point now) {
        scope_ = std::move(scope);
        scoped_at_ = now;
    }
    /// When that was; the epoch = never.
    clock::time_point scoped_at() const noexcept { return scoped_at_; }

    /// Takes the line if it is one of those.
    void offer(const live_line& line);
    /// Something that the client should know; shown once until it changes. Empty = all is well.
    void problem(std::string_view code, std::string_view detail);
    /// Where the lines come from: "kafka", "agent". `all`: false while a part of them is passed
    /// over unseen, since they are too many.
    void source(std::string_view name, bool all);

    bool ready(clock::time_point now) const override;
    clock::time_point due() const override { return next_status_; }
    void take(std::string& out, clock::time_point now) override;

private:
    std::string status(clock::time_point now);

    tail_query query_;
    principal who_;
    std::function<void(tail_feed&)> closed_;
    tail_scope scope_;
    clock::time_point scoped_at_{};
    line_sampler lines_;
    std::string problem_;
    std::string told_problem_;
    std::string source_ = "kafka";
    bool all_ = true;
    std::uint64_t unknown_ = 0;  // records that do not say where they are from
    std::uint64_t last_offered_ = 0;
    std::uint64_t last_shown_ = 0;
    std::uint64_t told_dropped_ = 0;
    clock::time_point last_status_;
    clock::time_point next_status_;
};

}  // namespace logagent::web

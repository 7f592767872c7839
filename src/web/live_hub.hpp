#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::web {

/// What a client may follow: "hosts", "service:shop", "rollout:42", "tail:7".
struct live_topic {
    enum class kind : std::uint8_t { hosts, service, rollout, tail };

    kind what = kind::hosts;
    std::string name;  // empty for hosts

    auto operator<=>(const live_topic&) const = default;
};

std::string to_text(const live_topic& topic);

/// Reads a comma list; throws `refused` (400) for what is no topic, and for more than 20. Pure.
std::vector<live_topic> parse_topics(std::string_view list);

/// One change of something that can be followed. For a host `topic` is hosts and `name` the host.
struct live_change {
    std::int64_t revision = 0;  // of etcd
    live_topic topic;
    std::string name;
};

/// The last changes, so that a client that was away for a moment gets what it has missed. Bounded;
/// pure.
class change_log {
public:
    static constexpr std::size_t most = 20'000;
    /// Revisions of different ranges come out of order; what a client may not have seen yet is told
    /// again.
    static constexpr std::int64_t slack = 64;

    /// Nothing of what was before this revision is known any more.
    void restart(std::int64_t revision);
    void add(live_change change);

    /// The newest revision that was seen.
    std::int64_t revision() const noexcept { return newest_; }
    /// Calls `each` for what came after that revision; false = too long ago, or never.
    template <class Each>
    bool since(std::int64_t revision, Each each) const {
        if (revision < complete_from_) return false;
        for (const auto& one : changes_)
            if (one.revision > revision - slack) each(one);
        return true;
    }

private:
    std::deque<live_change> changes_;
    std::int64_t complete_from_ = 1;  // a client that has seen this has missed nothing older
    std::int64_t newest_ = 0;
};

class change_feed;

/// Tells changes to every client that follows them, and counts the clients.
class live_hub {
public:
    static constexpr std::size_t most_streams = 200;         // of this process
    static constexpr std::size_t most_streams_of_token = 8;  // for each token

    void restart(std::int64_t revision);
    void changed(live_change change);

    const change_log& log() const noexcept { return log_; }
    std::size_t streams() const noexcept { return streams_; }
    /// Streams that were cut since their clients took nothing.
    std::uint64_t cut() const noexcept { return cut_; }
    void count_cut() noexcept { ++cut_; }

    /// A stream of this token, counted until it is destroyed. Throws `refused` (429) over a limit.
    class place {
    public:
        place(live_hub& of, std::string token_id);
        ~place();
        live_hub& hub() const noexcept { return of_; }
        place(const place&) = delete;
        place& operator=(const place&) = delete;

    private:
        live_hub& of_;
        std::string token_id_;
    };

private:
    friend class change_feed;

    change_log log_;
    std::set<change_feed*> feeds_;
    std::map<std::string, std::size_t> of_token_;
    std::size_t streams_ = 0;
    std::uint64_t cut_ = 0;
};

}  // namespace logagent::web

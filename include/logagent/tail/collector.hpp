#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "logagent/os/inotify.hpp"
#include "logagent/tail/tailer.hpp"

namespace logagent::tail {

/// Directory watches as the collector needs them; os::inotify is one, tests bring a fake.
class directory_watch {
public:
    virtual ~directory_watch() = default;
    virtual int watch(const std::string& directory) = 0;  // 0 or an errno; counted
    virtual void unwatch(const std::string& directory) = 0;
};

struct collector_options {
    std::string host;
    std::uint64_t in_flight_bytes = 16'777'216;
    std::uint64_t max_send_rate_bytes = 0;  // of the whole host; 0 = none
    std::size_t most_files = 20'000;
    bool once = false;  // read to the end, a last line without its end included, then be finished
    duration sweep_interval = std::chrono::seconds{30};
    duration fast_sweep_interval = std::chrono::seconds{5};  // polled files; after an overflow
    duration rotate_wait = std::chrono::seconds{5};          // an old file may still be written to
    duration vanish_wait = std::chrono::seconds{60};         // a file nobody finds is gone after it
    std::uint64_t held_deleted_bytes = 1'073'741'824;  // of deleted files that are not finished
    /// Keeps a dead letter that Kafka refused for a minute. False: not possible now, try again.
    std::function<bool(const dead_letter&)> spill;
};

/// What one file shows to people (DESIGN 4.5, "files").
struct file_view {
    std::string_view path;
    std::string_view service;
    std::string_view topic;
    std::string_view state;  // waiting tailing throttled denied error draining done shadowed
    std::string generation;  // empty before the first opening
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::uint64_t read_offset = 0;
    std::uint64_t acked_offset = 0;
    std::uint64_t lag_bytes = 0;   // not acknowledged, holes included
    std::uint64_t hole_bytes = 0;  // passed over for newer lines, still to be sent
    double lines_per_s = 0;
    double bytes_per_s = 0;
    std::uint64_t send_rate = 0;
    double throttled_seconds = 0;
    std::optional<double> eta_to_loss_s;  // see tail/forecast.hpp
    std::string last_error;
};

/// Everything that is being collected on this host: which files, who reads them, in which turn.
///
/// It decides and reads files, but never waits and knows no loop: the agent feeds it changes of
/// targets, hints of directories, delivery reports and the time, and calls turn(). Each call does a
/// bounded piece of work, so thousands of files share one thread fairly.
class collector final : public kafka::delivery_listener {
public:
    collector(collector_options options, os::disk& disk, directory_watch& watches,
              checkpoint::store& store, kafka::producer& main, kafka::producer& careful);
    ~collector() override;

    /// Makes `wanted` the set of targets. Only what differs is touched: other files keep
    /// descriptor, position and limiter. The files are looked up in the next turns.
    void apply(std::vector<fleet::log_target> wanted, const moment& now);

    /// Every target of the last apply() was searched, and the identities of the files that exist
    /// are in the store.
    bool applied() const noexcept;

    /// A hint that something changed; see os::inotify.
    void changed(os::inotify::change what, std::string_view directory, std::string_view name,
                 const moment& now);

    /// Looks at every target and file in the next turns, as it does now and then by itself.
    void sweep_now() { sweep_soon_ = true; }
    /// No such look is under way or wanted.
    bool swept() const noexcept {
        return !sweep_soon_ && !sweeping_ && looks_.empty() && searches_.empty();
    }

    /// The ceiling of the whole host from now on; 0 = none.
    void set_max_send_rate(std::uint64_t bytes_per_second, const moment& now) {
        host_limit_.set_rate(bytes_per_second, now.steady);
    }

    /// The cluster's answer about a topic; the collector asks through due_topics().
    void described(const kafka::topic_description& answer, const moment& now);
    std::vector<std::string> due_topics(const moment& now);

    /// Does a bounded piece of work and says when it wants to be called again: now or earlier = at
    /// once, max = after the next change, report or description.
    time_point turn(const moment& now);

    /// Reads nothing more; what was read is still sent (again) and acknowledged.
    void stop_reading();
    /// Nothing is in flight or waiting to be sent.
    bool drained() const noexcept;
    /// Bytes that are in files and cannot be sent because their topic takes nothing.
    std::uint64_t blocked_bytes() const noexcept;
    /// With `once`: everything was read to its end and acknowledged.
    bool finished() const noexcept;

    /// Puts every changed position into the store. Before each store.write().
    void save_positions();
    /// Bytes acknowledged since the last call; brings a write of the journal forward.
    std::uint64_t take_acked_bytes() noexcept { return std::exchange(acked_bytes_, 0); }

    /// Whether a burst has passed since the last call and all but a little of it is acknowledged:
    /// what it needed is free now, and would stay with the process unless it is given back.
    bool calm_after_burst() noexcept;

    // delivery_listener. The producer that abandons is told apart by careful_listener().
    void delivered(void* batch, std::uint32_t count) override;
    void failed(void* batch, const char* value, kafka::error code, bool possibly_stored) override;
    void abandoned() override;
    /// The listener of the careful producer; the collector itself is that of the main one.
    kafka::delivery_listener& careful_listener() noexcept { return careful_reports_; }

    // For status and metrics.
    const totals& counted() const noexcept { return totals_; }
    const delivery::budget& in_flight() const noexcept { return budget_; }
    const delivery::topic_table& topics() const noexcept { return topics_; }
    std::size_t file_count() const noexcept { return sources_.size(); }
    /// Files in the order of (path, topic), beginning after the path `after`; at most `limit`.
    void visit_files(std::string_view after, std::size_t limit, time_point now,
                     const std::function<void(const file_view&)>& each) const;
    /// Every generation that is being read, and those of stopped targets with reports to come.
    void visit_tailers(const std::function<void(const tailer&)>& each) const;
    /// Sums over all positions since the state was made, plus what is in flight and unread now.
    struct ledger {
        checkpoint::byte_counts classes{};
        std::uint64_t in_flight = 0;
        std::uint64_t unread = 0;
    };
    ledger sums() const;
    /// The newest entries of the loss ledger, by number.
    const std::map<std::uint64_t, checkpoint::loss_record>& losses() const noexcept {
        return store_.state().losses;
    }
    /// Things a person should know about: {code, text}. Empty = healthy.
    std::vector<std::pair<std::string, std::string>> problems() const;
    /// Files that could not be watched and are polled.
    std::size_t polled_files() const noexcept;

private:
    struct source;
    struct glob_search;

    struct source_key {
        base::shared_text path;
        base::shared_text topic;
        auto operator<=>(const source_key&) const = default;
    };

    /// Thousands of files of one directory watch the same ones.
    using directory_list = std::shared_ptr<const std::vector<std::string>>;

    struct careful_reports final : kafka::delivery_listener {
        explicit careful_reports(collector& of) : owner{of} {}
        void delivered(void* batch, std::uint32_t count) override { owner.delivered(batch, count); }
        void failed(void* batch, const char* value, kafka::error code, bool stored) override {
            owner.failed(batch, value, code, stored);
        }
        void abandoned() override { owner.abandon(true); }
        collector& owner;
    };

    // Targets and their files (collector.cpp, search.cpp).
    void stop_target(const fleet::log_target& target);
    /// Files of `old` go on under the new values, but for those that are excluded now.
    void replace_target(const std::shared_ptr<live_target>& old,
                        const std::shared_ptr<live_target>& fresh);
    void note_applied(const moment& now);
    std::shared_ptr<live_target> find_target(const fleet::log_target& wanted) const;
    void claim(std::string_view path, const std::shared_ptr<live_target>& target);
    void close_source(std::map<source_key, std::unique_ptr<source>>::iterator gone);
    void search(const std::shared_ptr<live_target>& target, std::string directory);
    bool search_some();
    void appeared(const std::string& path);
    void watch_for_search(const std::string& directory);

    // One path (sources.cpp).
    void want_look(source& where);
    void look_later(source& where, time_point when);
    void look(source& where, const moment& now);
    void open_at(source& where, const moment& now);
    /// The glob found a file there once, and there is none any more.
    bool abandoned_by_glob(const source& where) const;
    void identify(source& where, const moment& now);
    void begin_tailing(source& where, tailer::start from, const moment& now);
    tailer::start fresh_start(const source& where, const os::file_status& status,
                              const checkpoint::file_identity& head, bool rewritten,
                              const moment& now) const;
    tailer::start resumed(const source& where, checkpoint::generation_record generation,
                          const os::file_status& status, bool& usable, bool& cold,
                          bool may_be_copy = false);
    void truncated(source& where, tailer& old);
    void end_former_lives(source& where, const os::file& file, const moment& now);
    void lost_unwatched(source& where, tailer::start from, const moment& now);
    std::optional<checkpoint::generation_record> known_generation(const os::file& file,
                                                                  const os::file_status& status,
                                                                  os::file::read_mode mode,
                                                                  bool& cold,
                                                                  bool& rewritten) const;
    // Generations that nobody reads (generations.cpp): found again, forgotten, or given up.
    struct review;
    struct continuation {
        std::string path;
        std::shared_ptr<os::file> file;
        checkpoint::file_identity identity;
        bool packed = false;
        bool cut_short = false;  // it ends before the position, holes are all it can be read for
    };
    void begin_review();
    bool review_some(const moment& now);
    void review_entries(const moment& now);
    void missing(const checkpoint::generation_id& id, const moment& now);
    void resume_grown(const checkpoint::generation_record& known, const std::string& path,
                      std::uint64_t size, const moment& now);
    std::optional<checkpoint::position_record> wanted_position(
        const source& where, const checkpoint::generation_id& id) const;
    bool rebind(const checkpoint::generation_record& known, const moment& now);
    bool lies_elsewhere(const checkpoint::generation_record& known, const moment& now);
    void know_by_inode(const checkpoint::generation_record& record);
    void forget_generation(const checkpoint::generation_id& id);
    void vanished(checkpoint::position_record position, std::string_view path, const moment& now);
    /// Where the bytes of a generation went on after they left their file: the copy that
    /// copytruncate made, or the compressed file beside it.
    std::optional<continuation> find_continuation(const checkpoint::generation_record& known,
                                                  const checkpoint::position_record& position,
                                                  std::string_view base, bool trusted,
                                                  const moment& now);
    bool try_continuation(const checkpoint::generation_record& known,
                          const checkpoint::position_record& position, bool trusted,
                          continuation& out);
    bool continue_elsewhere(source& where, checkpoint::generation_record known,
                            const checkpoint::position_record& position, const moment& now,
                            const tailer* behind = nullptr);
    void adopt_unfinished(source& where, const std::vector<os::file_status>& present,
                          const moment& now);
    /// `behind`: of its path's generations it comes next after that one; null = before the current.
    void begin_draining(source& where, tailer::start from, const std::string& path,
                        std::shared_ptr<os::file> file, const moment& now,
                        const tailer* behind = nullptr);
    void limit_held(const moment& now);
    // Rotated generations that nobody reads (siblings.cpp).
    void adopt_siblings(source& where, std::string_view base, const moment& now);
    void adopt(source& where, const std::string& path, const moment& now);
    bool is_copy(const source& where, const os::file& file) const;
    const std::vector<std::string>& names_in(const std::string& directory, const moment& now);
    const checkpoint::position_record* earlier_position(const checkpoint::generation_id& id,
                                                        const fleet::log_target& target) const;
    void fail(source& where, std::string_view state, std::string text, const moment& now);
    void watch_directories(source& where, std::vector<std::string> directories,
                           const std::string& real_path);
    void forget_path(std::string_view path, source& where);
    void unwatch_directories(source& where);
    void forget_watched(source& where, std::string_view directory);
    directory_list shared_list(std::vector<std::string> directories);

    /// The next loss among the files of a path; see tail/forecast.hpp.
    std::optional<double> foretold_loss(const source& where, time_point now) const;
    void lived(std::string_view path, std::int64_t since_ms, const moment& now);
    // Turns (collector.cpp) and reports (reports.cpp).
    void make_ready(tailer& which);
    void run_one(tailer& which, const moment& now);
    void obey(tailer& which, const wish& wanted, const moment& now);
    void set_timer(tailer& which, time_point when);
    void cancel_timer(tailer& which);
    void fire_timers(time_point now);
    void wake(std::vector<tailer*>& waiting, bool tailer::hooks::*flag);
    /// The offset up to which it may be read now; older generations of the path come first.
    void close_quiet(const moment& now);
    bool follows_closing(const tailer& which) const;
    std::uint64_t readable_to(const tailer& which);
    bool may_fill(const tailer& which);
    /// What waits until nothing newer of its path is left to read may go on.
    void wake_behind(tailer& which);
    bool sweep_some(const moment& now);
    void finish(source& where, tailer& which, const moment& now);
    void detach(tailer& which);
    void after_report(tailer& which);
    void send_dead_letters();
    void dead_letter_done(dead_letter& which);
    void abandon(bool careful);
    void mark_dirty(tailer& which);
    template <class Each>
    void for_each_tailer(Each each) const;

    collector_options options_;
    os::disk& disk_;
    directory_watch& watches_;
    checkpoint::store& store_;
    delivery::budget budget_;
    delivery::chunk_pool chunks_;
    delivery::topic_table topics_;
    delivery::record_builder builder_;
    delivery::token_bucket host_limit_;
    totals totals_;
    services services_;
    careful_reports careful_reports_;

    std::vector<std::shared_ptr<live_target>> targets_;
    std::map<source_key, std::unique_ptr<source>> sources_;
    // Also where links lead; the keys are the sources' own texts.
    std::unordered_multimap<std::string_view, source*> by_path_;
    std::map<checkpoint::state::position_key, tailer*> active_;
    std::multimap<std::uint64_t, checkpoint::generation_id> by_inode_;
    std::vector<std::unique_ptr<tailer>> closing_;  // stopped; their reports still come
    // Of those: found rewritten meanwhile. What of them is lost is known once the reports are
    // there.
    std::set<checkpoint::state::position_key> rewritten_closing_;

    std::deque<source*> looks_;
    std::deque<glob_search> searches_;
    std::set<std::string> searched_directories_;  // watched for globs
    directory_list watched_last_;                 // of the source that was looked at last
    std::deque<tailer*> ready_;
    std::multimap<time_point, tailer*> timers_;
    std::multimap<time_point, source*> look_timers_;
    std::vector<tailer*> wait_room_;
    std::vector<tailer*> wait_topic_;
    bool room_freed_ = false;
    std::vector<tailer*> dirty_;
    std::vector<std::unique_ptr<dead_letter>> dead_letters_;
    std::unique_ptr<review> review_;
    std::unordered_multimap<std::uint64_t, checkpoint::generation_id>
        unclaimed_;  // by the hash of the path: of former processes, no source looked at them yet
    std::set<checkpoint::generation_id> watched_to_end_;  // finished by this process
    std::map<checkpoint::generation_id, time_point> missing_since_;
    std::string listed_;  // the directory that listing_ is of
    time_point listed_at_{};
    std::vector<std::string> listing_;  // sorted

    moment now_{};  // of the last call, for reports, which bring no time along
    time_point next_sweep_{};
    bool sweep_soon_ = false;  // events were lost, or files are polled
    bool sweeping_ = false;
    source_key sweep_at_;  // the last one the running sweep has looked at
    time_point next_letters_{};
    bool asked_ = false;    // apply() was called
    bool applying_ = true;  // the last apply() is not complete yet
    bool stopping_ = false;
    std::uint64_t acked_bytes_ = 0;
    std::size_t over_limit_ = 0;  // files beyond most_files
};

}  // namespace logagent::tail

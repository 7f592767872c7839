#include "logagent/checkpoint/journal.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>

#include "checkpoint/apply.hpp"
#include "checkpoint/changes.hpp"
#include "checkpoint/recovery.hpp"
#include "checkpoint/snapshot.hpp"
#include "logagent/async/backoff.hpp"
#include "logagent/async/event.hpp"

namespace logagent::checkpoint {

namespace asio = boost::asio;

namespace {

const std::string current_name = "positions.journal";
const std::string previous_name = "positions.journal.previous";
const std::string new_name = "positions.journal.new";
const std::string damaged_name = "positions.journal.damaged";

}  // namespace

struct journal::implementation {
    using clock = std::chrono::steady_clock;

    implementation(asio::any_io_executor executor, os::journal_files& files, settings chosen)
        : files_{files},
          settings_{std::move(chosen)},
          wake_{std::move(executor)},
          retry_{settings_.interval, settings_.interval * 30, 1} {
        assert(settings_.wall_ms);
    }

    // --- the start

    void load() {
        bool existed = false;
        if (!load_from(current_name, report::source::journal, existed) &&
            !load_from(previous_name, report::source::previous, existed))
            report_.lost = existed;
        if (report_.from == report::source::journal)
            adopt_current();
        else
            rewrite_ = true;
        if (report_.lost) say("no usable state is left: files are treated as never seen before");
        if (rewrite_ && !rewrite_now()) say(problem_);
    }

    bool load_from(const std::string& name, report::source source, bool& existed) {
        std::string bytes;
        const int error = files_.read(name, bytes);
        if (error == ENOENT) return false;
        if (error != 0) throw unusable_state{name + " cannot be read: " + std::strerror(error)};
        existed = true;
        auto found = recover(bytes, name);
        if (!found.damage.empty()) {
            damaged_ = damaged_ || name == current_name;
            say(name + " cannot be used: " + found.damage);
            return false;
        }
        report_.from = source;
        report_.frames = found.frames;
        report_.dropped_bytes = bytes.size() - found.good_size;
        if (report_.dropped_bytes > 0)
            say(name + ": " + std::to_string(report_.dropped_bytes) + " bytes from byte " +
                std::to_string(found.good_size) +
                " on are damaged and were dropped; what they covered is sent again");
        if (source == report::source::previous)
            say("positions are taken from " + name + "; what came after it is sent again");
        state_ = std::move(found.state);
        file_.seed = found.header.seed;
        file_.frames = found.frames;
        file_.size = found.good_size;
        file_.snapshot_size = found.snapshot_size;
        return true;
    }

    /// Goes on in the file that was read, where that can be done.
    void adopt_current() {
        tail_is_bad_ = report_.dropped_bytes > 0;
        if (const int error = files_.open(current_name, file_.file)) {
            complain("open " + current_name, error);
            rewrite_ = true;
        } else if (tail_is_bad_ && tail_is_good()) {
            // Whole frames may stand in what was cut off; they must not come back behind new ones.
            synced(file_.file->sync_now(), 0, 0);
        }
    }

    void say(const std::string& sentence) {
        if (!report_.text.empty()) report_.text += "; ";
        report_.text += sentence;
    }

    // --- changes

    template <class Map, class Record>
    void put(Map& map, typename Map::key_type key, const Record& record) {
        auto& stored = map[std::move(key)];
        stored = record;
        dirty_.put(stored);
        if (since_) since_->put(stored);
    }

    // --- writing to the current file

    /// Cuts off what a failed append left behind. Nothing may follow such bytes: recovery stops
    /// there.
    bool tail_is_good() {
        if (!tail_is_bad_) return true;
        if (const int error = file_.file->truncate(file_.size)) {
            complain("truncate " + current_name, error);
            rewrite_ = true;
            return false;
        }
        tail_is_bad_ = false;
        return true;
    }

    bool write(bool also_when_empty = false) {
        if (dirty_.empty() && !also_when_empty) return true;
        if (!file_.file || !tail_is_good()) return false;
        frame_writer frame{settings_.wall_ms()};
        dirty_.encode(frame, state_.retired);
        if (const int error = file_.append(std::move(frame))) {
            complain("write " + current_name, error);
            tail_is_bad_ = true;
            tail_is_good();
            return false;
        }
        dirty_.clear();
        return true;
    }

    /// After a sync that covered `frames` and said `error`.
    bool synced(int error, std::uint64_t frames, std::int64_t at_ms) {
        if (error != 0) {
            // The kernel may have thrown the pages away and say nothing the next time: only a new
            // file with everything in it can be trusted.
            complain("sync " + current_name, error);
            rewrite_ = true;
            return false;
        }
        synced_frames_ = frames;
        synced_ms_ = at_ms;
        return true;
    }

    // --- a new file

    bool grown() const {
        return file_.size > settings_.compact_above &&
               file_.size > settings_.compact_ratio * file_.snapshot_size;
    }

    asio::awaitable<bool> rewrite() {
        since_.emplace();
        const end_of_since guard{since_};
        snapshot next;
        if (const int error = next.begin(files_, new_name, settings_.program_version))
            co_return complain("make " + new_name, error);
        for (bool more = true; more;) {
            const int error = next.step(state_, settings_.slice_records, settings_.wall_ms(), more);
            if (error != 0) co_return complain("write " + new_name, error);
            co_await asio::post(asio::use_awaitable);
        }
        if (const int error = next.end(*since_, state_, settings_.wall_ms()))
            co_return complain("write " + new_name, error);
        since_->clear();
        const auto frames = next.file().frames;
        const int error = co_await next.file().file->sync();
        if (error != 0) co_return complain("sync " + new_name, error);
        if (!install(next, frames)) co_return false;
        const int unsynced = co_await files_.sync_directory();
        co_return directory_synced(unsynced);
    }

    bool rewrite_now() {
        snapshot next;
        if (const int error = next.begin(files_, new_name, settings_.program_version))
            return complain("make " + new_name, error);
        for (bool more = true; more;) {
            const int error = next.step(state_, settings_.slice_records, settings_.wall_ms(), more);
            if (error != 0) return complain("write " + new_name, error);
        }
        if (const int error = next.end({}, state_, settings_.wall_ms()))
            return complain("write " + new_name, error);
        if (const int error = next.file().file->sync_now())
            return complain("sync " + new_name, error);
        return install(next, next.file().frames) && directory_synced(files_.sync_directory_now());
    }

    /// Puts the new file, of which `synced` frames are on the disk, in the place of the current
    /// one.
    bool install(snapshot& next, std::uint64_t synced) {
        if (since_ && !since_->empty()) {
            frame_writer frame{settings_.wall_ms()};
            since_->encode(frame, state_.retired);
            if (const int error = next.file().append(std::move(frame)))
                return complain("write " + new_name, error);
        }
        // A damaged file must not take the place of a good previous one.
        const auto& old_name = damaged_ ? damaged_name : previous_name;
        if (const int error = files_.rename(current_name, old_name); error != 0 && error != ENOENT)
            return complain("rename " + current_name, error);
        if (const int error = files_.rename(new_name, current_name)) {
            // The old file goes on under its other name, where the next start finds it.
            rewrite_ = true;
            return complain("rename " + new_name, error);
        }
        file_ = std::move(next.file());
        synced_frames_ = synced;
        synced_ms_ = settings_.wall_ms();
        directory_is_synced_ = false;
        tail_is_bad_ = damaged_ = rewrite_ = false;
        dirty_.clear();  // the snapshot has it, or the frame behind it
        ++compactions_;
        return true;
    }

    bool directory_synced(int error) {
        directory_is_synced_ = error == 0;
        return error == 0 || complain("sync the directory of " + current_name, error);
    }

    // --- the loop

    asio::awaitable<void> turn() {
        acked_ = 0;
        bool fine = true;
        if ((rewrite_ || !file_.file || grown()) && clock::now() >= retry_at_) {
            fine = co_await rewrite();
            if (fine)
                retry_.reset();
            else
                retry_at_ = clock::now() + retry_.next();
        }
        if (!write()) fine = false;
        if (file_.file && synced_frames_ < file_.frames) {
            const auto frames = file_.frames;
            const auto at = settings_.wall_ms();
            const int error = co_await file_.file->sync();
            if (!synced(error, frames, at)) fine = false;
        }
        if (!directory_is_synced_) {
            const int error = co_await files_.sync_directory();
            if (!directory_synced(error)) fine = false;
        }
        if (fine && !rewrite_ && file_.file) problem_.clear();
    }

    bool close() {
        bool fine = !rewrite_ && file_.file && write(true);
        if (fine) fine = synced(file_.file->sync_now(), file_.frames, settings_.wall_ms());
        if (!fine) fine = rewrite_now();
        if (!directory_is_synced_) fine = directory_synced(files_.sync_directory_now()) && fine;
        if (fine) problem_.clear();
        return fine;
    }

    /// Always false, for the caller to return.
    bool complain(const std::string& what, int error) {
        problem_ = what + ": " + std::strerror(error) + "; positions are kept in memory, retrying";
        return false;
    }

    struct end_of_since {
        std::optional<changes>& since;
        ~end_of_since() { since.reset(); }
    };

    os::journal_files& files_;
    settings settings_;
    report report_;
    checkpoint::state state_;

    journal_file file_;                // the current one
    changes dirty_;                    // not in file_
    std::optional<changes> since_;     // since the snapshot under way began
    std::uint64_t synced_frames_ = 0;  // nothing that was read is known to be on the disk
    // Names that a former process made may not be on the disk yet.
    bool directory_is_synced_ = false;
    bool tail_is_bad_ = false;  // bytes stand behind file_.size
    bool damaged_ = false;      // the file of that name could not be read
    bool rewrite_ = false;      // file_ cannot be trusted, or is not there

    async::event wake_;  // enough was acknowledged
    async::backoff retry_;
    clock::time_point retry_at_{};
    std::uint64_t acked_ = 0;
    std::uint64_t compactions_ = 0;
    std::int64_t synced_ms_ = 0;
    std::string problem_;
};

journal::journal(asio::any_io_executor executor, os::journal_files& files, settings chosen)
    : impl_{std::make_unique<implementation>(std::move(executor), files, std::move(chosen))} {
    impl_->load();
}

journal::~journal() = default;

const journal::report& journal::loaded() const {
    return impl_->report_;
}
const checkpoint::state& journal::state() const {
    return impl_->state_;
}

void journal::put(const generation_record& record) {
    impl_->put(impl_->state_.generations, record.id, record);
}

void journal::put(const position_record& record) {
    impl_->put(impl_->state_.positions, {record.generation, record.topic}, record);
}

void journal::put(const target_record& record) {
    impl_->put(impl_->state_.targets, {record.log_path, record.topic}, record);
}

void journal::remove(const generation_id& id) {
    auto& state = impl_->state_;
    impl_->dirty_.remove(state, id);
    if (impl_->since_) impl_->since_->remove(state, id);
    retire_counts(state, id);
    erase_generation(state, id);
}

void journal::note(const loss_record& loss) {
    auto& state = impl_->state_;
    const loss_record& stored = add_loss(state, loss);
    impl_->dirty_.put(stored);
    if (impl_->since_) impl_->since_->put(stored);
    while (too_many_losses(state)) {
        const auto oldest = state.losses.begin();
        impl_->dirty_.forget(oldest->second);
        if (impl_->since_) impl_->since_->forget(oldest->second);
        state.losses.erase(oldest);
    }
}

void journal::remove_target(const std::string& log_path, const std::string& topic) {
    const state::target_key key{log_path, topic};
    impl_->dirty_.remove_target(impl_->state_, key);
    if (impl_->since_) impl_->since_->remove_target(impl_->state_, key);
    impl_->state_.targets.erase(key);
}

bool journal::write() {
    return impl_->write();
}

void journal::note_acked(std::uint64_t bytes) {
    const bool enough_before = impl_->acked_ >= impl_->settings_.acked_bytes;
    impl_->acked_ += bytes;
    if (!enough_before && impl_->acked_ >= impl_->settings_.acked_bytes) impl_->wake_.notify();
}

asio::awaitable<void> journal::run() {
    for (;;) {
        const auto next = implementation::clock::now() + impl_->settings_.interval;
        co_await impl_->wake_.wait_until(next);
        if (impl_->settings_.before_write) impl_->settings_.before_write();
        co_await impl_->turn();
    }
}

bool journal::close() {
    return impl_->close();
}
const std::string& journal::problem() const {
    return impl_->problem_;
}
std::int64_t journal::synced_ms() const {
    return impl_->synced_ms_;
}
std::uint64_t journal::size() const {
    return impl_->file_.size;
}
std::uint64_t journal::compactions() const {
    return impl_->compactions_;
}

}  // namespace logagent::checkpoint

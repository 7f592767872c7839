#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "logagent/checkpoint/store.hpp"
#include "logagent/os/journal_files.hpp"

namespace logagent::checkpoint {

/// The state on disk cannot be used by this program, for instance because a newer one wrote it. The
/// text says what to do. Nothing on disk was changed.
class unusable_state : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The positions on disk: an append-only file that begins with a snapshot (docs/formats.md).
///
/// Changes are in memory first; write() hands all of them to the kernel as one frame that is valid
/// as a whole or not at all, so after any crash the state is the one of some write(), never a
/// mixture. run() writes and syncs once a second, and makes a new file (snapshot only) when the old
/// one has grown. A disk that is full or read-only costs nothing but time: problem() says so,
/// changes are kept.
class journal final : public store {
public:
    struct settings {
        std::string program_version;  // goes into the header, for the text of a refusal later
        std::chrono::milliseconds interval{1000};
        std::uint64_t acked_bytes = 8u << 20;    // write earlier when that much was acknowledged
        std::uint64_t compact_above = 1u << 20;  // a smaller file is left alone
        std::uint32_t compact_ratio = 4;         // file against the live data in it
        std::uint32_t slice_records = 1000;      // snapshot records a turn of the loop
        std::int64_t (*wall_ms)() = nullptr;     // required
        std::function<void()> before_write;      // puts what has changed since; may be empty
    };

    /// What was found at the start.
    struct report {
        enum class source : std::uint8_t { nothing, journal, previous };

        source from = source::nothing;
        bool lost = false;                // there was a state, and none of it could be read
        std::uint64_t dropped_bytes = 0;  // behind the first damage
        std::uint64_t frames = 0;         // read
        std::string text;                 // for people; empty = nothing unusual
    };

    /// Reads the state, cuts a damaged end off, makes the file where there is none. Throws
    /// unusable_state; a disk that refuses to be written is only a problem().
    journal(boost::asio::any_io_executor executor, os::journal_files& files, settings settings);
    ~journal() override;

    const report& loaded() const;

    const checkpoint::state& state() const override;
    void put(const generation_record& record) override;
    void put(const position_record& record) override;
    void put(const target_record& record) override;
    void remove(const generation_id& id) override;
    void note(const loss_record& loss) override;
    void remove_target(const std::string& log_path, const std::string& topic) override;
    bool write() override;

    /// Counts acknowledged bytes; enough of them bring the next write forward.
    void note_acked(std::uint64_t bytes);

    /// Writes, syncs and compacts until it is stopped. Only a stop ends it.
    boost::asio::awaitable<void> run();

    /// The last write of a clean stop, waits for the disk. After run() has ended. Returns whether
    /// everything is on the disk.
    bool close();

    /// Why changes are not on the disk; empty = all is well.
    const std::string& problem() const;

    /// Wall clock of the last write that reached the disk; 0 = none yet.
    std::int64_t synced_ms() const;

    /// Bytes in the file, and how often it was made anew since the start.
    std::uint64_t size() const;
    std::uint64_t compactions() const;

private:
    struct implementation;
    std::unique_ptr<implementation> impl_;
};

}  // namespace logagent::checkpoint

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "transfer/hdfs_answer.hpp"

namespace logagent::transfer {

/// The way of one file from the spool to its name in HDFS, decided from what the servers said.
///
/// A file is built under a temporary name, which the caller chooses anew for each create, since the
/// lease of one that broke off may last. It is renamed only when its length was read back, and it
/// is finished only when its own name was looked up: RENAME says false to a destination that
/// exists, a source that is missing and a parent that is missing alike, its answer may be lost, and
/// onto a directory it says true and moves the file inside.
class hdfs_publication {
public:
    enum class step {
        look_before,     // GETFILESTATUS of the name
        create,          // the file under a new temporary name
        check,           // GETFILESTATUS of the temporary file
        make_directory,  // MKDIRS of the name's parent
        rename,          // whatever it says, look
        look,            // GETFILESTATUS of the name
        finished,
    };

    /// `size`: bytes before compression. `repeated`: the range was begun before, by us or another
    /// process, so the name may exist.
    hdfs_publication(std::uint64_t size, bool compressed, bool repeated) noexcept
        : size_{size},
          compressed_{compressed},
          repeated_{repeated},
          next_{repeated ? step::look_before : step::create} {}

    step next() const noexcept { return next_; }

    /// The upload was answered with "created". `length`: the bytes that were sent.
    void created(std::uint64_t length) noexcept;
    /// Of the temporary file; nullopt = there is none.
    void checked(std::optional<hdfs_file_status> found) noexcept;
    void made_directory() noexcept { next_ = step::rename; }
    void renamed(bool yes) noexcept {
        moved_ = yes;
        next_ = step::look;
    }
    /// Of the name; nullopt = there is none.
    void looked(std::optional<hdfs_file_status> found);

    /// Why it cannot go on: something else has the name. It is looked at again and again; empty =
    /// nothing is in the way.
    const std::string& obstacle() const noexcept { return obstacle_; }

    /// The temporary file was not moved, so it is a copy of what has the name.
    bool left_copy() const noexcept { return next_ == step::finished && !moved_; }
    /// The file was there, made by an earlier attempt.
    bool was_there() const noexcept { return next_ == step::finished && was_there_; }

private:
    bool ours(const hdfs_file_status& found);

    std::uint64_t size_;
    bool compressed_;
    bool repeated_;
    step next_;
    std::optional<std::uint64_t> length_;  // of the temporary file; not set = there is none
    std::string obstacle_;
    bool moved_ = true;
    bool was_there_ = false;
};

}  // namespace logagent::transfer

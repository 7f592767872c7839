#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace logagent::os {

/// The files of one directory as a journal needs them; every error is an errno, 0 = done.
///
/// Abstract so that tests can bring a directory that fails and that loses what was not synced.
/// Names are plain file names inside the directory.
class journal_files {
public:
    /// A file open for appending; closed with the object.
    class file {
    public:
        virtual ~file() = default;

        /// Adds bytes at the end. After an error any part of them may be there: truncate().
        virtual int append(std::span<const char> bytes) = 0;
        virtual int truncate(std::uint64_t size) = 0;

        /// Brings everything appended so far to the disk.
        virtual int sync_now() = 0;
        /// The same without holding the loop. One call of sync() in the directory at a time.
        virtual boost::asio::awaitable<int> sync() = 0;
    };

    virtual ~journal_files() = default;

    /// Makes an empty file in the place of whatever has that name.
    virtual int create(const std::string& name, std::unique_ptr<file>& out) = 0;
    virtual int open(const std::string& name, std::unique_ptr<file>& out) = 0;
    virtual int read(const std::string& name, std::string& out) = 0;
    virtual int rename(const std::string& from, const std::string& to) = 0;
    virtual int remove(const std::string& name) = 0;

    /// Brings names made, changed and removed so far to the disk.
    virtual int sync_directory_now() = 0;
    virtual boost::asio::awaitable<int> sync_directory() = 0;
};

}  // namespace logagent::os

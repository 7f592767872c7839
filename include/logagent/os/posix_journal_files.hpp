#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <string>

#include "logagent/os/aio_fsync.hpp"
#include "logagent/os/journal_files.hpp"
#include "logagent/os/unique_fd.hpp"

namespace logagent::os {

/// journal_files in a real directory. Files are made with mode 0600. Outlives its open files.
class posix_journal_files final : public journal_files {
public:
    /// Throws system_error where the directory cannot be opened.
    posix_journal_files(boost::asio::any_io_executor executor, const std::string& directory);

    int create(const std::string& name, std::unique_ptr<file>& out) override;
    int open(const std::string& name, std::unique_ptr<file>& out) override;
    int read(const std::string& name, std::string& out) override;
    int rename(const std::string& from, const std::string& to) override;
    int remove(const std::string& name) override;
    int sync_directory_now() override;
    boost::asio::awaitable<int> sync_directory() override;

private:
    int open_with(const std::string& name, int flags, std::unique_ptr<file>& out);

    aio_fsync sync_;
    unique_fd directory_;
};

}  // namespace logagent::os

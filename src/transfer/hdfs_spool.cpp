#include "transfer/hdfs_spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdlib>

namespace logagent::transfer {

int hdfs_spool::open() {
    fd_.reset(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd_) return 0;
    // Not every file system can make a file without a name (NFS, overlays of old kernels).
    std::string name = directory_ + "/spool.XXXXXX";
    fd_.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd_) return errno;
    return ::unlink(name.c_str()) == 0 ? 0 : errno;
}

int hdfs_spool::append(std::string_view line, std::size_t gather) {
    gathered_.append(line).push_back('\n');
    return gathered_.size() < gather ? 0 : flush();
}

int hdfs_spool::flush() {
    std::size_t done = 0;
    int failure = 0;
    while (done < gathered_.size() && failure == 0) {
        // At its place, not at the end: what a full disk took of a piece is written again.
        const auto took = ::pwrite(fd_.get(), gathered_.data() + done, gathered_.size() - done,
                                   static_cast<off_t>(written_ + done));
        if (took > 0) done += static_cast<std::size_t>(took);
        if (took < 0 && errno != EINTR) failure = errno;
    }
    written_ += done;
    gathered_.erase(0, done);
    return failure;
}

std::size_t hdfs_spool::read(char* into, std::size_t size, std::uint64_t offset) const {
    std::size_t have = 0;
    while (have < size) {
        const auto got =
            ::pread(fd_.get(), into + have, size - have, static_cast<off_t>(offset + have));
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            throw boost::system::system_error{errno, boost::system::system_category(),
                                              "read the spool in " + directory_};
        have += static_cast<std::size_t>(got);
    }
    return have;
}

}  // namespace logagent::transfer

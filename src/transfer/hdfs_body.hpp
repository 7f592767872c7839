#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "logagent/http/message.hpp"
#include "transfer/hdfs_spool.hpp"

namespace logagent::transfer {

/// How much of a body was given out.
struct hdfs_body_length {
    std::uint64_t bytes = 0;
    bool whole = false;  // to the end
};

/// The content of a spool as a request's body, packed on the way. Equal contents give equal bytes:
/// always the same pieces, one thread, no times or names in the header.
///
/// `spool` must stay, and be flushed. The slices throw where it cannot be read.
http::body_slices hdfs_body(const hdfs_spool& spool, const std::string& compress,
                            std::shared_ptr<hdfs_body_length> length);

}  // namespace logagent::transfer

#pragma once

#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace logagent::etcd {

/// Cuts the body of a watch into JSON messages, whatever pieces it comes in, and parses each as it
/// comes, so that a long one costs no long moment at its end. Pure.
class message_reader {
public:
    /// A message longer than `limit` bytes is refused.
    explicit message_reader(std::size_t limit);

    enum class status {
        more,      // all of the piece was taken, and the message goes on or none has begun
        complete,  // take() has a message; the rest of the piece belongs to the next
        too_long,
        broken,  // see problem(); nothing can be read after it
    };

    /// Takes bytes off the front of `piece`.
    status feed(std::string_view& piece);

    boost::json::value take();

    /// A message has begun and is not complete.
    bool inside() const { return size_ > 0; }
    const std::string& problem() const { return problem_; }

private:
    void start_anew();

    boost::json::stream_parser parser_;
    std::size_t limit_;
    std::size_t size_ = 0;  // of the message so far
    std::string problem_;
};

}  // namespace logagent::etcd

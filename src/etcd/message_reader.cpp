#include "etcd/message_reader.hpp"

#include <boost/json/monotonic_resource.hpp>

namespace logagent::etcd {

namespace json = boost::json;

message_reader::message_reader(std::size_t limit) : limit_{limit} {
    start_anew();
}

message_reader::status message_reader::feed(std::string_view& piece) {
    if (size_ == 0) {
        const auto begin = piece.find_first_not_of(" \t\r\n");
        piece.remove_prefix(std::min(begin, piece.size()));
        if (piece.empty()) return status::more;
        if (piece.front() != '{') {
            problem_ = "expected a JSON object, got '" + std::string{piece.substr(0, 60)} + "'";
            return status::broken;
        }
    }
    boost::system::error_code why;
    const auto taken = parser_.write_some(piece.data(), piece.size(), why);
    if (why) {
        problem_ = "broken JSON: " + why.message();
        return status::broken;
    }
    size_ += taken;
    piece.remove_prefix(taken);
    if (size_ > limit_) {
        problem_ = "a message is longer than " + std::to_string(limit_) + " bytes";
        return status::too_long;
    }
    return parser_.done() ? status::complete : status::more;
}

json::value message_reader::take() {
    json::value message = parser_.release();
    start_anew();
    return message;
}

void message_reader::start_anew() {
    // One arena for each message: building is cheap and taking it apart costs nothing.
    parser_.reset(json::make_shared_resource<json::monotonic_resource>());
    size_ = 0;
}

}  // namespace logagent::etcd

#include <stdexcept>

#include "fuzz/fuzz.hpp"
#include "transfer/hdfs_answer.hpp"

namespace transfer = logagent::transfer;
namespace http = logagent::http;

namespace {

/// A body of another form is said so by an exception of its own, and by nothing else.
template <class Read>
void try_read(Read read) {
    try {
        read();
    } catch (const std::runtime_error& wrong) {
        require(*wrong.what() != '\0');
    }
}

}  // namespace

/// Answers of WebHDFS, of a proxy, or of something else behind its address. The first byte chooses
/// the status.
void fuzz_one(std::string_view bytes) {
    if (bytes.empty()) return;
    constexpr unsigned statuses[] = {200, 201, 307, 400, 401, 403, 404, 500, 503};
    http::response response;
    response.status = statuses[static_cast<unsigned char>(bytes[0]) % std::size(statuses)];
    response.body = bytes.substr(1);
    const auto answer = transfer::read_hdfs_answer(response, "127.0.0.1:9870");
    require(answer.text.find('\n') == std::string::npos);
    if (answer.verdict != transfer::hdfs_verdict::done) {
        require(!answer.code.empty() && !answer.text.empty());
        return;
    }
    transfer::says_yes(answer);
    try_read([&] { transfer::read_file_status(answer); });
    try_read([&] { transfer::read_names(answer); });
}

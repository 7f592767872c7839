#include "transfer/hdfs_file_task.hpp"

#include <openssl/rand.h>

#include <optional>
#include <stdexcept>

#include "logagent/base/bytes.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;

namespace {

/// What GETFILESTATUS found. `failure` is set where it told nothing.
struct found_status {
    std::optional<hdfs_file_status> status;
    std::optional<hdfs_answer> failure;
};

found_status read_found(hdfs_answer answer) {
    found_status found;
    if (answer.verdict == hdfs_verdict::missing) return found;
    if (answer.verdict == hdfs_verdict::done) {
        try {
            found.status = read_file_status(answer);
            return found;
        } catch (const std::exception& broken) {
            answer.verdict = hdfs_verdict::refused;
            answer.code = "protocol";
            answer.text = std::string{"GETFILESTATUS: "} + broken.what() + ": is this WebHDFS?";
        }
    }
    found.failure = std::move(answer);
    return found;
}

hdfs_answer passing(std::string code, std::string text) {
    hdfs_answer made;
    made.code = std::move(code);
    made.text = std::move(text);
    return made;
}

std::string random_name() {
    unsigned char bytes[12];
    if (::RAND_bytes(bytes, sizeof bytes) != 1) throw std::runtime_error{"no random numbers"};
    return base::hex_encode({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

}  // namespace

hdfs_file_task::hdfs_file_task(hdfs_workshop& shop, hdfs_patience& patience,
                               const hdfs_range& range, utc_hour hour, place where)
    : shop_{shop},
      patience_{patience},
      range_{range},
      file_{range.files.at(hour)},
      where_{std::move(where)},
      way_{file_.spool.size(), !range.layout.compress.empty(), range.repeated} {}

asio::awaitable<bool> hdfs_file_task::run() {
    while (way_.next() != step::finished) {
        if (patience_.ended()) co_return false;
        const bool goes_on = co_await one_step();
        if (!goes_on) co_return false;
    }
    ++shop_.files;
    if (way_.was_there()) shop_.duplicates += file_.records;
    if (way_.left_copy()) left_over_.push_back(temporary_);
    co_await clean_up();
    co_return true;
}

asio::awaitable<bool> hdfs_file_task::one_step() {
    switch (way_.next()) {
        case step::look_before:
        case step::look:
            return look();
        case step::create:
            return create();
        case step::check:
            return check();
        case step::make_directory:
            return make_directory();
        case step::rename:
            return rename();
        case step::finished:
            break;
    }
    throw std::logic_error{"hdfs_file_task: there is no step left"};
}

asio::awaitable<bool> hdfs_file_task::look() {
    auto answer = co_await shop_.client.file_status(path());
    auto found = read_found(std::move(answer));
    if (found.failure) co_return co_await patience_.failed(std::move(*found.failure), path());
    const bool after = way_.next() == step::look;
    way_.looked(found.status);
    if (!way_.obstacle().empty()) {
        hdfs_answer obstacle = passing("occupied", way_.obstacle() + "; move it away");
        obstacle.verdict = hdfs_verdict::refused;
        co_return co_await patience_.failed(std::move(obstacle), path());
    }
    if (after && way_.next() != step::finished) {
        hdfs_answer again = passing("not_moved", "RENAME did not move the file there");
        co_return co_await patience_.failed(std::move(again), path());
    }
    patience_.worked();
    co_return true;
}

asio::awaitable<bool> hdfs_file_task::create() {
    while (shop_.free_uploads == 0 && !patience_.ended())
        co_await patience_.wait_until(hdfs_patience::clock::time_point::max());
    if (patience_.ended()) co_return false;
    temporary_ = where_.temporary + "/" + random_name();
    *length_ = {};
    std::optional<hdfs_upload_place> held;
    held.emplace(shop_);
    auto answer =
        co_await shop_.client.create(temporary_, file_.spool, range_.layout.compress, length_);
    held.reset();
    shop_.bytes += length_->bytes;
    if (answer.verdict == hdfs_verdict::done) {
        way_.created(length_->bytes);
        co_return true;
    }
    left_over_.push_back(temporary_);
    co_return co_await patience_.failed(std::move(answer), temporary_);
}

asio::awaitable<bool> hdfs_file_task::check() {
    auto answer = co_await shop_.client.file_status(temporary_);
    auto found = read_found(std::move(answer));
    if (found.failure) co_return co_await patience_.failed(std::move(*found.failure), temporary_);
    way_.checked(found.status);
    if (way_.next() != step::create) co_return true;
    left_over_.push_back(temporary_);
    hdfs_answer shorter = passing("short", "the file is not as long as what was sent");
    co_return co_await patience_.failed(std::move(shorter), temporary_);
}

asio::awaitable<bool> hdfs_file_task::make_directory() {
    auto answer = co_await shop_.client.make_directories(where_.directory);
    if (answer.verdict == hdfs_verdict::done && says_yes(answer)) {
        way_.made_directory();
        co_return true;
    }
    if (answer.verdict == hdfs_verdict::done)
        answer = passing("directory", "MKDIRS says that it did not make the directory");
    if (answer.verdict == hdfs_verdict::exists) answer.verdict = hdfs_verdict::refused;
    co_return co_await patience_.failed(std::move(answer), where_.directory);
}

asio::awaitable<bool> hdfs_file_task::rename() {
    auto answer = co_await shop_.client.rename(temporary_, path());
    const bool said = answer.verdict == hdfs_verdict::done;
    const bool no =
        answer.verdict == hdfs_verdict::missing || answer.verdict == hdfs_verdict::exists;
    if (!said && !no) co_return co_await patience_.failed(std::move(answer), path());
    way_.renamed(said && says_yes(answer));
    co_return true;
}

asio::awaitable<void> hdfs_file_task::clean_up() {
    // What cannot be removed now is swept when the partition begins next.
    for (const auto& one : left_over_)
        co_await shop_.client.remove(one);
    left_over_.clear();
}

}  // namespace logagent::transfer

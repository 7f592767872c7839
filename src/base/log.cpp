#include "logagent/base/log.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <boost/core/null_deleter.hpp>
#include <boost/log/attributes/value_extraction.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions/message.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/text_file_backend.hpp>
#include <boost/log/sinks/text_ostream_backend.hpp>
#include <boost/log/sources/logger.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/utility/exception_handler.hpp>
#include <boost/log/utility/formatting_ostream.hpp>
#include <boost/make_shared.hpp>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <iostream>

#include "logagent/base/escape.hpp"
#include "logagent/base/log_limiter.hpp"

namespace logagent::base {

namespace {

namespace logging = boost::log;
namespace sinks = boost::log::sinks;
namespace keywords = boost::log::keywords;

using steady_time = std::chrono::steady_clock::time_point;

steady_time steady_now() {
    return std::chrono::steady_clock::now();
}

struct level_name {
    std::string_view name;
    std::string_view padded;
};
constexpr std::array<level_name, 5> level_names{{{"trace", "TRACE"},
                                                 {"debug", "DEBUG"},
                                                 {"info", "INFO "},
                                                 {"warn", "WARN "},
                                                 {"error", "ERROR"}}};

/// A record is for people; the beginning of a huge text tells them enough.
constexpr std::size_t longest_text = 4096;

/// 2026-11-23T18:40:01.123Z
std::string stamp(std::chrono::system_clock::time_point now) {
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    const std::time_t seconds = since.count() / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char room[48];
    const auto length = std::strftime(room, sizeof room, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(room + length, sizeof room - length, ".%03dZ",
                  static_cast<int>(since.count() % 1000));
    return room;
}

template <class Backend>
boost::shared_ptr<sinks::sink> make_sink(boost::shared_ptr<Backend> backend) {
    auto sink = boost::make_shared<sinks::synchronous_sink<Backend>>(std::move(backend));
    sink->set_formatter([](const logging::record_view& record, logging::formatting_ostream& out) {
        if (const auto text = record[logging::expressions::smessage]) out << *text;
    });
    // A full disk must not end the program: the record is lost, the next one is tried again.
    sink->set_exception_handler(logging::make_exception_suppressor());
    return sink;
}

boost::shared_ptr<sinks::sink> standard_error() {
    auto backend = boost::make_shared<sinks::text_ostream_backend>();
    backend->add_stream(boost::shared_ptr<std::ostream>(&std::clog, boost::null_deleter{}));
    backend->auto_flush(true);
    return make_sink(std::move(backend));
}

/// Keeps rotated files as PATH.1 (the newest), PATH.2 and so on, the way logrotate does. The
/// library's own numbering cannot be used: after a restart it gives a number away a second time.
class numbered_files : public sinks::file::collector {
public:
    explicit numbered_files(std::uint32_t keep) : keep_{keep} {}

    void store_file(const boost::filesystem::path& full) override {
        const auto path = full.string();
        // What cannot be renamed is overwritten or stays; the log itself goes on in either case.
        std::error_code ec;
        for (auto number = keep_; number > 1; --number)
            std::filesystem::rename(numbered(path, number - 1), numbered(path, number), ec);
        if (keep_ == 0) {
            std::filesystem::remove(path, ec);
        } else {
            std::filesystem::rename(path, numbered(path, 1), ec);
        }
    }

    bool is_in_storage(const boost::filesystem::path&) const override { return false; }

    sinks::file::scan_result scan_for_files(sinks::file::scan_method,
                                            const boost::filesystem::path&) override {
        return {};
    }

private:
    static std::string numbered(const std::string& path, std::uint32_t number) {
        return path + "." + std::to_string(number);
    }

    std::uint32_t keep_;
};

boost::shared_ptr<sinks::sink> rotated_file(const log_settings& settings) {
    auto backend = boost::make_shared<sinks::text_file_backend>(
        keywords::file_name = settings.path, keywords::rotation_size = settings.rotate_bytes,
        keywords::open_mode = std::ios_base::out | std::ios_base::app, keywords::auto_flush = true,
        keywords::enable_final_rotation = false);
    backend->set_file_collector(boost::make_shared<numbered_files>(settings.keep));
    return make_sink(std::move(backend));
}

/// Everything the log keeps between records; one for the process, used by one thread.
struct log_state {
    boost::shared_ptr<sinks::sink> sink;
    logging::sources::logger logger;
    log_limiter limiter;
    steady_time (*now)() = steady_now;
};

log_state& state() {
    static log_state the_state;
    return the_state;
}

void replace_sink(boost::shared_ptr<sinks::sink> sink) {
    auto& log = state();
    const auto core = logging::core::get();
    if (log.sink) {
        core->remove_sink(log.sink);
        log.sink->flush();
    }
    log.sink = std::move(sink);
    core->add_sink(log.sink);
}

void write_line(log_level level, std::string_view name, std::string_view text) {
    auto& log = state();
    if (!log.sink) replace_sink(standard_error());
    std::string line = stamp(std::chrono::system_clock::now());
    line += ' ';
    line += level_names[static_cast<std::size_t>(level)].padded;
    line += ' ';
    line += name;
    line += ": ";
    line += visible(text, longest_text);
    if (auto record = log.logger.open_record()) {
        logging::record_ostream stream{record};
        stream.write(line.data(), static_cast<std::streamsize>(line.size()));
        stream.flush();
        log.logger.push_record(std::move(record));
    }
}

void write_suppressed(std::string_view name, std::uint64_t count) {
    if (count != 0)
        write_line(log_level::warn, name, std::to_string(count) + " more like this suppressed");
}

/// The library would only fail at the first record, and silently.
result<void> check_writable(const std::string& path) {
    std::error_code ec;
    const auto directory = std::filesystem::path{path}.parent_path();
    if (!directory.empty()) std::filesystem::create_directories(directory, ec);
    const int fd =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    if (fd < 0)
        return problem{"log",
                       "cannot write the log " + visible(path, 200) + ": " + describe_errno(errno)};
    const bool regular = std::filesystem::is_regular_file(path, ec);
    ::close(fd);
    if (!regular) return problem{"log", "the log " + visible(path, 200) + " is not a regular file"};
    return {};
}

}  // namespace

namespace detail {

log_level threshold = log_level::info;

bool admit(log_class what) {
    auto& log = state();
    const auto answer = log.limiter.ask(what.text(), log.now());
    write_suppressed(what.text(), answer.suppressed_before);
    return answer.write;
}

void write_log(log_level level, log_class what, std::string_view text) {
    write_line(level, what.text(), text);
}

}  // namespace detail

std::string_view name(log_level level) noexcept {
    return level_names[static_cast<std::size_t>(level)].name;
}

std::optional<log_level> parse_log_level(std::string_view text) noexcept {
    for (std::size_t i = 0; i < level_names.size(); ++i)
        if (level_names[i].name == text) return static_cast<log_level>(i);
    return std::nullopt;
}

result<void> open_log(const log_settings& settings) {
    if (settings.path.empty() || settings.path == "-") {
        replace_sink(standard_error());
    } else {
        if (auto writable = check_writable(settings.path); !writable) return writable;
        try {
            replace_sink(rotated_file(settings));
        } catch (const std::exception& error) {
            return problem{
                "log", "cannot open the log " + visible(settings.path, 200) + ": " + error.what()};
        }
    }
    set_log_level(settings.level);
    return {};
}

void close_log() {
    auto& log = state();
    for (const auto& [name, count] : log.limiter.sweep(steady_time::max()))
        write_suppressed(name, count);
    log.limiter = log_limiter{};
    replace_sink(standard_error());
}

void set_log_level(log_level level) noexcept {
    detail::threshold = level;
}

void sweep_log() {
    auto& log = state();
    for (const auto& [name, count] : log.limiter.sweep(log.now()))
        write_suppressed(name, count);
}

void set_log_clock(steady_time (*now)()) {
    state().now = now ? now : steady_now;
}

}  // namespace logagent::base

// Targets that the local user names: a file, or the command line.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <chrono>
#include <optional>

#include "logagent/agent/config_source.hpp"
#include "logagent/agent/config_state.hpp"
#include "logagent/async/event.hpp"
#include "logagent/base/log.hpp"
#include "logagent/fleet/merge.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/interfaces.hpp"
#include "logagent/os/unique_fd.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::seconds look_interval{1};
// One more than parse_logconfig() takes, so that a larger file is refused by it.
constexpr std::size_t most_bytes = 1'572'865;

void trust(std::vector<fleet::log_target>& targets) {
    for (auto& target : targets)
        target.trusted = true;
}

/// What both kinds share: a set, and whether the collector has it.
class local_source : public config_source {
public:
    local_source(std::string source, apply_targets apply) : apply_{std::move(apply)} {
        report_.source = std::move(source);
        report_.state = "waiting";
    }

    const config_report& report() const final { return report_; }

    void applied(std::int64_t wall_ms) final {
        if (!unconfirmed_) return;
        unconfirmed_ = false;
        report_.hash = pushed_hash_;
        report_.applied_ms = wall_ms;
        if (report_.state == "waiting") report_.state = "applied";
        tell();
    }

protected:
    void push(const std::vector<fleet::log_target>& targets) {
        pushed_hash_ = targets_hash(targets);
        unconfirmed_ = true;
        apply_(targets);
    }

    config_report report_;

private:
    apply_targets apply_;
    std::string pushed_hash_;
    bool unconfirmed_ = false;  // the collector is still at the pushed set
};

class fixed_source final : public local_source {
public:
    fixed_source(std::vector<fleet::log_target> targets, apply_targets apply)
        : local_source{"flags", std::move(apply)}, targets_{std::move(targets)} {
        trust(targets_);
    }

    asio::awaitable<void> run() override {
        push(targets_);
        async::event never{co_await asio::this_coro::executor};
        for (;;)
            co_await never.wait();
    }

    void reload() override {}

private:
    std::vector<fleet::log_target> targets_;
};

/// Tells one content of a file from the next without reading it.
struct file_stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const file_stamp&) const = default;
};

struct file_content {
    std::string text;
    file_stamp stamp;
};

base::problem unreadable(const std::string& path, const std::string& why) {
    return {"config", "cannot read the logconfig file " + path + ": " + why};
}

std::optional<file_stamp> stamp_of(const std::string& path) {
    struct stat found;
    if (::stat(path.c_str(), &found) != 0) return std::nullopt;
    return file_stamp{found.st_dev, found.st_ino, found.st_size,
                      found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

base::result<file_content> read_file(const std::string& path) {
    // A pipe under that name must not hold the loop.
    const os::unique_fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) return unreadable(path, base::describe_errno(errno));
    struct stat found;
    if (::fstat(fd.get(), &found) != 0) return unreadable(path, base::describe_errno(errno));
    if (!S_ISREG(found.st_mode)) return unreadable(path, "it is not a regular file");
    file_content out;
    out.stamp = {found.st_dev, found.st_ino, found.st_size,
                 found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
    char room[65536];
    while (out.text.size() < most_bytes) {
        const auto got =
            ::read(fd.get(), room, std::min(sizeof room, most_bytes - out.text.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable(path, base::describe_errno(errno));
        if (got == 0) break;
        out.text.append(room, static_cast<std::size_t>(got));
    }
    return out;
}

class file_source final : public local_source {
public:
    file_source(asio::any_io_executor executor, std::string path, apply_targets apply)
        : local_source{"file", std::move(apply)}, path_{std::move(path)}, look_{executor} {
        auto first = read_file(path_);
        if (!first) throw base::problem_error{first.error()};
        auto parsed = fleet::parse_logconfig(first->text);
        if (parsed.broken)
            throw base::problem_error{
                {"config", path_ + ": " + parsed.errors.at(0).pointer +
                               (parsed.errors.at(0).pointer.empty() ? "" : ": ") +
                               parsed.errors.at(0).text}};
        read_ = std::move(*first);
        take(std::move(parsed));
    }

    asio::awaitable<void> run() override {
        push(targets_);
        for (;;) {
            co_await look_.wait_until(steady::now() + look_interval);
            const bool asked = std::exchange(asked_, false);
            if (asked || may_differ()) look();
        }
    }

    void reload() override {
        asked_ = true;
        look_.notify();
    }

private:
    bool may_differ() const {
        const auto stamp = stamp_of(path_);
        if (!stamp || *stamp != read_.stamp) return true;
        // Two writes within one tick of the kernel's clock have the same stamp.
        return os::wall_ms() - stamp->modified_ns / 1'000'000 < 2000;
    }

    void look() {
        auto content = read_file(path_);
        if (!content) return fail({{path_, "", "io", content.error().text}});
        const bool same = content->text == read_.text;
        read_ = std::move(*content);
        if (same && !missing_) return;
        auto parsed = fleet::parse_logconfig(read_.text);
        if (parsed.broken) return fail(told(parsed.errors));
        take(std::move(parsed));
        push(targets_);
        tell();
    }

    std::vector<config_report::error> told(const std::vector<fleet::entry_error>& errors) const {
        std::vector<config_report::error> out;
        for (const auto& error : errors)
            out.push_back({path_, error.pointer, error.code, error.text});
        return out;
    }

    void take(fleet::parsed_logconfig parsed) {
        missing_ = false;
        targets_ = std::move(parsed.targets);
        trust(targets_);
        report_.errors = told(parsed.errors);
        report_.problems.clear();
        report_.failed_ms = 0;
        report_.state = report_.applied_ms != 0 ? "applied" : "waiting";
        LOGAGENT_LOG(info, "config.new",
                     targets_.size() << " targets from " << path_ << ", " << report_.errors.size()
                                     << " complaints");
    }

    void fail(std::vector<config_report::error> errors) {
        missing_ = errors.at(0).code == "io";
        const bool told_already = report_.state == "failed" && report_.errors.size() == 1 &&
                                  report_.errors[0].detail == errors[0].detail;
        if (told_already) return;
        LOGAGENT_LOG(warn, "config.failed",
                     path_ << ": " << errors[0].detail << "; what was applied before goes on");
        report_.errors = std::move(errors);
        report_.problems = {{"config_broken", path_ +
                                                  " cannot be used: " + report_.errors[0].detail +
                                                  "; what was applied before goes on"}};
        report_.state = "failed";
        report_.failed_ms = os::wall_ms();
        tell();
    }

    std::string path_;
    async::event look_;
    file_content read_;
    std::vector<fleet::log_target> targets_;
    bool asked_ = false;    // by reload()
    bool missing_ = false;  // could not be read at the last look
};

}  // namespace

std::unique_ptr<config_source> follow_file(asio::any_io_executor executor, std::string path,
                                           apply_targets apply) {
    return std::make_unique<file_source>(std::move(executor), std::move(path), std::move(apply));
}

std::unique_ptr<config_source> fixed_targets(std::vector<fleet::log_target> targets,
                                             apply_targets apply) {
    return std::make_unique<fixed_source>(std::move(targets), std::move(apply));
}

address_list addresses_of(const settings& from) {
    if (from.ips_from == settings::ips_rule::listed) return [listed = from.ips] { return listed; };
    const auto selection = from.ips_from == settings::ips_rule::all
                               ? os::address_selection::all
                               : os::address_selection::automatic;
    return [selection] { return os::usable_addresses(os::interface_addresses(), selection); };
}

}  // namespace logagent::agent

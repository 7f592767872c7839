#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <cstdio>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/configuration.hpp"
#include "cli/replay_flags.hpp"
#include "cli/replay_target.hpp"
#include "cli/replay_text.hpp"
#include "cli/topic_question.hpp"
#include "logagent/agent/replay.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/log.hpp"
#include "logagent/checkpoint/journal.hpp"
#include "logagent/checkpoint/read_state.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/fleet/logconfig.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/descriptor_limit.hpp"
#include "logagent/os/machine_id.hpp"
#include "logagent/os/posix_disk.hpp"
#include "logagent/os/posix_journal_files.hpp"

namespace logagent::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using outcome = agent::replay::outcome;

constexpr auto kafka_patience = 10s;
constexpr int exit_failed = 1;
constexpr int exit_stopped = 3;

/// Everything that is decided before the first record.
struct prepared {
    configuration configured;
    agent::replay_job job;
    std::string origin;
    std::vector<std::string> notes;
};

configuration configure(const arguments& given, const replay_order& order,
                        const surroundings& around) {
    std::vector<std::string> overrides;
    if (const auto* brokers = given.last("--kafka")) overrides.push_back("kafka_addr=" + *brokers);
    for (auto& one : given.all("--set"))
        overrides.push_back(std::move(one));
    auto out = read_configuration(order.config_file, overrides);
    auto problems = out.problems;
    if (problems.empty() && !order.dry_run)
        problems = agent::missing_settings(out.settings, out.where, false, true);
    std::vector<std::string> wrong;
    for (const auto& problem : problems)
        wrong.push_back(problem.line());
    if (!wrong.empty()) throw usage_error{std::move(wrong)};
    if (order.config_file.empty() && !out.settings.has("state_dir"))
        out.settings.state_dir = local_state_directory(around);
    return out;
}

checkpoint::state read_journal(const std::string& state_dir, std::vector<std::string>& notes) {
    std::string why;
    try {
        asio::io_context unused;
        os::posix_journal_files files{unused.get_executor(), state_dir};
        if (auto found = checkpoint::read_state(files, why)) return *std::move(found);
    } catch (const checkpoint::unusable_state& unusable) {
        throw usage_error{"state_dir " + state_dir + ": " + unusable.what()};
    } catch (const boost::system::system_error& failure) {
        // With other rights the journal may well be there, and all keys would be others.
        if (failure.code() != boost::system::errc::no_such_file_or_directory)
            throw usage_error{"state_dir " + state_dir + ": " + failure.what()};
        why = "there is no such directory";
    }
    notes.push_back("state_dir " + state_dir + ": " + why +
                    "; nothing is known about what was sent");
    return {};
}

std::vector<fleet::log_target> read_targets(const replay_order& order,
                                            const agent::settings& settings,
                                            std::vector<std::string>& notes) {
    if (order.logconfig.empty()) return last_targets(settings, notes);
    const auto text = read_file(order.logconfig, most_logconfig_bytes);
    if (!text) throw usage_error{"--logconfig: " + text.error().text};
    auto parsed = fleet::parse_logconfig(*text);
    if (parsed.broken)
        throw usage_error{"--logconfig: " + order.logconfig + ": " + parsed.errors.front().text};
    return std::move(parsed.targets);
}

prepared prepare(const arguments& given, const surroundings& around) {
    const auto order = read_replay_order(given, around, os::wall_ms());
    prepared out;
    out.configured = configure(given, order, around);
    const auto& settings = out.configured.settings;
    const auto known = read_journal(settings.state_dir, out.notes);
    const auto targets = read_targets(order, settings, out.notes);
    auto chosen = choose_target(order, targets, known);
    out.origin = std::move(chosen.origin);
    for (auto& note : chosen.notes)
        out.notes.push_back(std::move(note));

    os::posix_disk disk{{.policy = os::path_policy{{settings.allow_paths, settings.deny_paths}},
                         .allow_hardlinks = settings.allow_hardlinks,
                         .allow_network_fs = settings.allow_network_fs}};
    auto& job = out.job;
    auto request = order.request;
    request.begins_record = record_beginnings(chosen.target);
    try {
        job.plan = tail::make_replay_plan(request,
                                          tail::find_generations(disk, known, request.path, true));
    } catch (const tail::replay_refusal& refusal) {
        throw usage_error{base::visible(refusal.what(), 1000)};
    }
    job.host = settings.host.empty() ? os::host_name() : settings.host;
    job.path = order.request.path;
    job.target = std::move(chosen.target);
    job.max_send_rate_bytes = settings.max_send_rate_bytes;
    for (const auto& [key, position] : known.positions)
        if (key.second == job.target.topic) job.partitions.emplace(key.first, position.partition);
    return out;
}

/// A topic that is not there would be waited for without end.
void check_topic(const configuration& configured, const std::string& topic) {
    const auto answers = ask_about_topics(configured.kafka, {topic}, kafka_patience);
    if (!answers.failure.empty())
        throw std::runtime_error{configured.kafka.brokers +
                                 " did not answer within 10 s: " + answers.failure};
    const auto code = answers.topics.front().code;
    if (code == kafka::error::unknown_topic_or_partition || code == kafka::error::unknown_topic)
        throw usage_error{"topic " + topic + " does not exist"};
    if (code != kafka::error::none)
        throw std::runtime_error{"topic " + topic + ": " + kafka::text(code)};
}

/// The last line of the terminal while it runs.
class progress_line {
public:
    progress_line() : terminal_{::isatty(STDERR_FILENO) == 1} {}

    void draw(const agent::replay& which, double seconds) {
        if (!terminal_) return;
        ::winsize size{};
        const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
        const std::size_t width = known ? size.ws_col - 1u : 79;
        const auto line = replay_bar(which.progress(), which.job().plan.bytes, seconds,
                                     which.waiting_for(), width);
        std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
        std::fflush(stderr);
        drawn_ = true;
    }
    void end() {
        if (drawn_) std::fprintf(stderr, "\n");
    }

private:
    bool terminal_;
    bool drawn_ = false;
};

/// Runs one replay in a loop of its own.
class replay_run {
public:
    replay_run(asio::any_io_executor executor, prepared from)
        : executor_{executor},
          names_{executor},
          shutdown_{from.configured.settings.shutdown_timeout},
          main_{producer(from.configured.kafka, true)},
          careful_{producer(from.configured.kafka, false)},
          replay_{executor, std::move(from.job), *main_, *careful_},
          signals_{executor, SIGINT, SIGTERM},
          pause_{executor},
          began_{clock::now()} {}

    asio::awaitable<outcome> run() {
        async::task_group tasks{executor_};
        tasks.spawn(main_->run());
        tasks.spawn(careful_->run());
        tasks.spawn(signals());
        tasks.spawn(draw());
        co_await asio::this_coro::throw_if_cancelled(false);
        outcome ended = outcome::failed;
        std::exception_ptr broken;
        try {
            ended = co_await replay_.run();
        } catch (...) {
            broken = std::current_exception();
        }
        tasks.stop();
        const auto failure = co_await tasks.join();
        if (!broken) broken = failure;
        if (broken) std::rethrow_exception(broken);
        line_.draw(replay_, seconds());
        line_.end();
        co_return ended;
    }

    const agent::replay& replay() const { return replay_; }
    double seconds() const { return std::chrono::duration<double>(clock::now() - began_).count(); }

private:
    std::unique_ptr<kafka::live_producer> producer(const kafka::settings& settings,
                                                   bool idempotent) {
        kafka::producer_options options;
        options.idempotent = idempotent;
        options.look_up =
            [this](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
            const auto deadline = clock::now() + 5s;
            auto found = co_await names_.resolve(std::move(host), deadline);
            co_return std::move(found.addresses);
        };
        return kafka::create_producer(executor_, settings, std::move(options));
    }

    asio::awaitable<void> signals() {
        co_await signals_.async_wait(asio::use_awaitable);
        replay_.cancel(clock::now() + shutdown_);
        co_await signals_.async_wait(asio::use_awaitable);
        replay_.cancel(clock::now());
    }

    asio::awaitable<void> draw() {
        for (;;) {
            line_.draw(replay_, seconds());
            pause_.expires_after(500ms);
            co_await pause_.async_wait(asio::use_awaitable);
        }
    }

    asio::any_io_executor executor_;
    dns::resolver names_;
    std::chrono::seconds shutdown_;
    std::unique_ptr<kafka::live_producer> main_;
    std::unique_ptr<kafka::live_producer> careful_;
    agent::replay replay_;
    asio::signal_set signals_;
    asio::steady_timer pause_;
    clock::time_point began_;
    progress_line line_;
};

int exit_code(outcome ended) {
    switch (ended) {
        case outcome::done:
            return 0;
        case outcome::failed:
            return exit_failed;
        default:
            return exit_stopped;
    }
}

[[noreturn]] void send(prepared from, streams to) {
    std::signal(SIGPIPE, SIG_IGN);
    int code = exit_failed;
    asio::io_context loop{1};
    replay_run run{loop.get_executor(), std::move(from)};
    asio::co_spawn(loop, run.run(), [&](std::exception_ptr failure, outcome ended) {
        if (failure) {
            to.err << "logagent replay: " << base::describe(failure) << '\n';
        } else {
            to.out << replay_result_text(run.replay(), ended, run.seconds());
            code = exit_code(ended);
        }
        loop.stop();
    });
    loop.run();
    to.out.flush();
    to.err.flush();
    std::fflush(nullptr);
    // The client's threads may sit in a connect; nothing is left that they could lose.
    _exit(code);
}

int run_replay(const arguments& given, streams to) {
    base::set_log_level(base::log_level::error);
    os::raise_descriptor_limit();
    auto from = prepare(given, real_surroundings());
    const auto lines = estimate_lines(from.job.plan);
    to.out << replay_plan_text(from.job, from.origin, lines, from.notes);
    to.out.flush();
    if (given.has("--dry-run") || from.job.plan.parts.empty()) return 0;
    try {
        check_topic(from.configured, from.job.target.topic);
    } catch (const usage_error&) {
        throw;
    } catch (const std::exception& failure) {
        to.err << "logagent replay: " << failure.what() << '\n';
        return exit_failed;
    }
    send(std::move(from), to);
}

}  // namespace

const command replay_command{
    .name = "replay",
    .summary = "send a part of a log again",
    .usage =
        "--path P (--offset A:B | --since T | --until T | --last SIZE) (--topic T | "
        "--same-topic) [FLAGS]",
    .about =
        "Reads the file and its rotated and compressed generations (.gz, .zst), prints what will "
        "be sent and how much that is, and sends it, oldest first. An agent may go on running: "
        "its positions are only read. Records have the keys of the first sending, so sinks can "
        "drop what they have. That holds for generations which the agent's journal knows and for "
        "the target as it was; the plan marks others.\n"
        "\n"
        "Lines without a time stamp of their own belong to the line before them. Known stamps: "
        "nginx, ISO 8601, syslog, seconds and milliseconds since 1970; where they are not in "
        "order, each line is looked at.\n"
        "\n"
        "Ctrl-C stops it after what was read is acknowledged, a second one at once. Exit code 0: "
        "all of it was acknowledged. 3: stopped before; the last line says how to go on.",
    .flags = replay_flags(),
    .examples =
        "  logagent replay --path /var/log/nginx/access.log --last 50MB --same-topic --dry-run\n"
        "  logagent replay --path /var/log/app.log --since '2026-11-23 22:00' --until 1h \\\n"
        "      --topic app-again --rate 2000\n"
        "  logagent replay --path app.log --generation kZ0tWbnR1xQ9mJf3yLr7vA --offset 0: \\\n"
        "      --same-topic\n",
    .run = run_replay,
};

}  // namespace logagent::cli

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/configuration.hpp"
#include "cli/replay_flags.hpp"
#include "cli/replay_report.hpp"
#include "cli/replay_target.hpp"
#include "cli/replay_text.hpp"
#include "cli/topic_question.hpp"
#include "logagent/agent/config_state.hpp"
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
constexpr unsigned kafka_pause_s = 2;
constexpr int exit_failed = 1;
constexpr int exit_refused = 2;
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
    if (!wrong.empty() && order.by_command) {
        // Values of the local file are not for whoever gave the command.
        for (const auto& line : wrong)
            std::cerr << "logagent replay: " << line << '\n';
        throw usage_error{
            "the configuration of the agent cannot be used any more; see logagent check"};
    }
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

    const auto& topic = chosen.target.topic;
    if (order.by_command && !agent::topic_allowed(settings.allow_topics, topic))
        throw usage_error{"topic " + topic + " is not in allow_topics"};

    os::posix_disk disk{{.policy = os::path_policy{{settings.allow_paths, settings.deny_paths}},
                         .allow_hardlinks = settings.allow_hardlinks,
                         .allow_network_fs = settings.allow_network_fs}};
    auto& job = out.job;
    auto request = order.request;
    request.begins_record = record_beginnings(chosen.target);
    try {
        // What the local user names himself is allowed whatever allow_paths says.
        auto found = tail::find_generations(disk, known, request.path, !order.by_command);
        job.plan = tail::make_replay_plan(request, std::move(found));
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

/// A topic that is not there would be waited for without end. Returns why nobody answered; empty =
/// the topic is there.
std::string check_topic(const configuration& configured, const std::string& topic) {
    const auto answers = ask_about_topics(configured.kafka, {topic}, kafka_patience);
    if (!answers.failure.empty())
        return configured.kafka.brokers + " did not answer within 10 s: " + answers.failure;
    const auto code = answers.topics.front().code;
    if (code == kafka::error::unknown_topic_or_partition || code == kafka::error::unknown_topic)
        throw usage_error{"topic " + topic + " does not exist"};
    if (code != kafka::error::none) return "topic " + topic + ": " + kafka::text(code);
    return {};
}

/// Runs one replay in a loop of its own.
class replay_run {
public:
    replay_run(asio::any_io_executor executor, prepared from, replay_report& report)
        : executor_{executor},
          report_{report},
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
        tasks.spawn(report());
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

    asio::awaitable<void> report() {
        for (;;) {
            report_.running(replay_, seconds());
            pause_.expires_after(500ms);
            co_await pause_.async_wait(asio::use_awaitable);
        }
    }

    asio::any_io_executor executor_;
    replay_report& report_;
    dns::resolver names_;
    std::chrono::seconds shutdown_;
    std::unique_ptr<kafka::live_producer> main_;
    std::unique_ptr<kafka::live_producer> careful_;
    agent::replay replay_;
    asio::signal_set signals_;
    asio::steady_timer pause_;
    clock::time_point began_;
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

[[noreturn]] void send(prepared from, replay_report& report) {
    std::signal(SIGPIPE, SIG_IGN);
    int code = exit_failed;
    asio::io_context loop{1};
    replay_run run{loop.get_executor(), std::move(from), report};
    asio::co_spawn(loop, run.run(), [&](std::exception_ptr failure, outcome ended) {
        if (failure) {
            report.failed("failed", base::describe(failure));
        } else {
            report.ended(run.replay(), ended, run.seconds());
            code = exit_code(ended);
        }
        loop.stop();
    });
    loop.run();
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    // The client's threads may sit in a connect; nothing is left that they could lose.
    _exit(code);
}

int carry_out(const arguments& given, replay_report& report) {
    auto from = prepare(given, real_surroundings());
    const bool by_command = given.has("--by-command");
    report.planned(from.job, from.origin, estimate_lines(from.job.plan), from.notes);
    if (given.has("--dry-run") || from.job.plan.parts.empty()) {
        report.ended_without_sending();
        return 0;
    }
    for (;;) {
        const auto unanswered = check_topic(from.configured, from.job.target.topic);
        if (unanswered.empty()) break;
        if (!by_command) {
            report.failed("failed", unanswered);
            return exit_failed;
        }
        report.waits(unanswered);
        ::sleep(kafka_pause_s);  // nothing else runs in this process yet
    }
    send(std::move(from), report);
}

std::string joined(const usage_error& refused) {
    std::string out;
    for (const auto& line : refused.lines())
        out += (out.empty() ? "" : "; ") + line;
    return out;
}

int run_replay(const arguments& given, streams to) {
    base::set_log_level(base::log_level::error);
    os::raise_descriptor_limit();
    if (!given.has("--by-command")) return carry_out(given, *replay_report_for_people(to));
    const auto report = replay_report_as_lines(to.out);
    try {
        return carry_out(given, *report);
    } catch (const usage_error& refused) {
        report->failed("refused", joined(refused));
        return exit_refused;
    } catch (const std::exception& failure) {
        report->failed("failed", failure.what());
        return exit_failed;
    }
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

#include "agent_loops.hpp"

#include <malloc.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/kafka/settings.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/machine_id.hpp"
#include "logagent_version.hpp"
#include "service_status.hpp"

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_unacknowledged = 3;

constexpr std::uint64_t tell_every_bytes = 1u << 20;  // of acknowledged bytes, to the journal
constexpr auto describe_deadline = 10s;

os::posix_disk::settings disk_settings(const settings& from) {
    return {os::path_policy{{from.allow_paths, from.deny_paths}}, from.allow_hardlinks,
            from.allow_network_fs};
}

tail::collector_options collector_settings(const settings& from, const std::string& host,
                                           bool once) {
    tail::collector_options chosen;
    chosen.host = host;
    chosen.in_flight_bytes = from.in_flight_bytes;
    chosen.max_send_rate_bytes = from.max_send_rate_bytes;
    chosen.once = once;
    return chosen;
}

etcd::client_options etcd_settings(const settings& from) {
    etcd::client_options chosen;
    for (const auto& each : from.etcd_addr)
        chosen.endpoints.push_back({each.host, each.port, each.tls});
    chosen.timeout = from.etcd_timeout;
    chosen.user = from.etcd_user;
    chosen.password_file = from.etcd_password_file;
    chosen.tls = {from.etcd_ca, from.etcd_cert, from.etcd_key};
    return chosen;
}

std::string join(const std::vector<std::string>& parts) {
    std::string all;
    for (const auto& part : parts)
        all += (all.empty() ? "" : ",") + part;
    return all;
}

}  // namespace

/// os::inotify as the collector sees it.
class agent_loops::watches final : public tail::directory_watch {
public:
    explicit watches(os::inotify& by) : by_{by} {}
    int watch(const std::string& directory) override { return by_.watch(directory); }
    void unwatch(const std::string& directory) override { by_.unwatch(directory); }

private:
    os::inotify& by_;
};

/// Passes delivery reports on and wakes the collector.
class agent_loops::reports final : public kafka::delivery_listener {
public:
    reports(kafka::delivery_listener& to, async::event& wakes) : to_{to}, wakes_{wakes} {}
    void delivered(void* batch, std::uint32_t count) override {
        to_.delivered(batch, count);
        wakes_.notify();
    }
    void failed(void* batch, const char* value, kafka::error code, bool stored) override {
        to_.failed(batch, value, code, stored);
        wakes_.notify();
    }
    void abandoned() override {
        to_.abandoned();
        wakes_.notify();
    }

private:
    kafka::delivery_listener& to_;
    async::event& wakes_;
};

agent_loops::agent_loops(asio::any_io_executor executor, agent_options options,
                         std::string state_dir, instance self)
    : executor_{executor},
      options_{std::move(options)},
      settings_{options_.settings},
      state_dir_{std::move(state_dir)},
      self_{std::move(self)},
      host_{settings_.host.empty() ? os::host_name() : settings_.host},
      started_ms_{os::wall_ms()},
      names_{executor},
      disk_{disk_settings(settings_)},
      inotify_{executor},
      watches_{std::make_unique<watches>(inotify_)},
      manager_{os::service_notifier::from_environment()},
      tasks_{executor},
      work_{executor},
      describe_{executor},
      stopping_{executor},
      drained_{executor},
      window_timer_{executor},
      house_timer_{executor},
      signals_{executor, SIGTERM, SIGINT, SIGHUP},
      window_{settings_.read_window} {
    // Freed chunks go back to the system instead of staying in one of many arenas.
    mallopt(M_ARENA_MAX, 2);
    if (!state_dir_.empty()) {
        spilled_.emplace(state_dir_ + "/dead", dead_letter_files::limits{});
        journal_files_.emplace(executor_, state_dir_);
        checkpoint::journal::settings chosen;
        chosen.program_version = LOGAGENT_VERSION;
        chosen.wall_ms = &os::wall_ms;
        chosen.before_write = [this] { collector_->save_positions(); };
        journal_.emplace(executor_, *journal_files_, chosen);
        if (!journal_->loaded().text.empty())
            LOGAGENT_LOG(warn, "checkpoint.loaded", journal_->loaded().text);
    }
    make_producers();
    auto& store = journal_ ? static_cast<checkpoint::store&>(*journal_) : memory_;
    kafka::producer& main = main_ ? static_cast<kafka::producer&>(*main_) : *printed_;
    kafka::producer& careful =
        careful_ ? static_cast<kafka::producer&>(*careful_) : *printed_carefully_;
    auto chosen = collector_settings(settings_, host_, options_.once);
    chosen.spill = [this](const tail::dead_letter& letter) { return spill(letter); };
    collector_ = std::make_unique<tail::collector>(std::move(chosen), disk_, *watches_, store, main,
                                                   careful);
    main_reports_ = std::make_unique<reports>(*collector_, work_);
    careful_reports_ = std::make_unique<reports>(collector_->careful_listener(), work_);
    main.listen(*main_reports_);
    careful.listen(*careful_reports_);
    make_source();
    make_pages();
}

agent_loops::~agent_loops() = default;

void agent_loops::make_producers() {
    if (options_.to_stdout) {
        const auto broken = [this](const std::string& why) {
            LOGAGENT_LOG(warn, "agent.output", why);
            // Nothing can be acknowledged any more, so there is nothing to wait for.
            stop_asked_ = true;
            stop_now_ = true;
            stopping_.notify();
        };
        printed_ = std::make_unique<stdout_producer>(executor_, 1, broken);
        printed_carefully_ = std::make_unique<stdout_producer>(executor_, 1, broken);
        return;
    }
    std::map<std::string, std::string> given;
    for (const auto& [name, property] : settings_.kafka)
        given.emplace(name, property.value);
    auto read = kafka::read_settings(join(settings_.kafka_addr), given, http::default_ca_file());
    if (!read.errors.empty()) {
        const auto& first = read.errors.front();
        throw base::problem_error{{"kafka", first.key + " = " + first.value + ": " + first.reason +
                                                "; allowed: " + first.allowed}};
    }
    kafka::producer_options chosen;
    chosen.look_up = [this](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        const auto deadline = steady::now() + 5s;
        auto found = co_await names_.resolve(std::move(host), deadline);
        co_return std::move(found.addresses);
    };
    chosen.log = [](int level, std::string_view facility, std::string_view text) {
        if (level <= 3)
            LOGAGENT_LOG(warn, "kafka.client", facility << ": " << text);
        else
            LOGAGENT_LOG(debug, "kafka.client", facility << ": " << text);
    };
    main_ = kafka::create_producer(executor_, read.value, chosen);
    chosen.idempotent = false;
    careful_ = kafka::create_producer(executor_, read.value, chosen);
}

void agent_loops::make_source() {
    const auto apply = [this](std::vector<fleet::log_target> targets) {
        LOGAGENT_LOG(info, "config.applying", targets.size() << " targets");
        collector_->apply(std::move(targets), now());
        applied_told_ = false;
        describe_.notify();
        work_.notify();
    };
    if (!options_.files.empty()) {
        std::vector<fleet::log_target> targets;
        for (const auto& file : options_.files) {
            fleet::log_target target;
            target.log_path = file.path;
            target.topic = file.topic;
            target.service = file.service;
            target.send_rate = file.rate;
            target.start = file.start;
            targets.push_back(std::move(target));
        }
        source_ = fixed_targets(std::move(targets), apply);
    } else if (!options_.logconfig.empty()) {
        source_ = follow_file(executor_, options_.logconfig, apply);
    } else {
        etcd_ = std::make_unique<etcd::client>(executor_, names_, etcd_settings(settings_));
        source_ =
            follow_etcd(executor_, *etcd_, settings_, addresses_of(settings_), state_dir_, apply);
    }
}

void agent_loops::make_pages() {
    status_inputs inputs;
    inputs.host = host_;
    inputs.instance = self_.id;
    inputs.version = LOGAGENT_VERSION;
    inputs.started_ms = started_ms_;
    inputs.ips = addresses_of(settings_);
    inputs.config = [this]() -> const config_report& { return source_->report(); };
    inputs.collector = collector_.get();
    inputs.kafka = [this] {
        if (main_) return main_->state();
        kafka::producer_state up;
        up.up = true;
        return up;
    };
    inputs.requests_per_s = [this] { return window_.requests_per_s(); };
    inputs.journal_problem = [this] { return journal_ ? journal_->problem() : std::string{}; };
    inputs.longest_stall_s = [this] {
        return std::chrono::duration<double>(stalls_.longest_ever()).count();
    };
    inputs.more_problems = [this] { return problems(); };
    inputs.now = [] { return steady::now(); };
    inputs.wall_ms = [] { return os::wall_ms(); };
    pages_ = std::make_unique<status_pages>(std::move(inputs));

    if (settings_.status_on) {
        http::server_options listen;
        const auto& at = settings_.status_addr;
        const bool v6 = at.host.find(':') != std::string::npos;
        listen.listen = (v6 ? "[" + at.host + "]" : at.host) + ":" + std::to_string(at.port);
        listen.report = [](const std::string& text) { LOGAGENT_LOG(warn, "status.server", text); };
        server_ = std::make_unique<http::server>(executor_, std::move(listen), pages_->routes());
        if (const std::string refused = server_->listen(); !refused.empty())
            throw base::problem_error{{"status_addr", "status_addr: " + refused}};
    }
    if (etcd_) {
        announcer_options chosen;
        chosen.key = status_key(settings_, host_);
        chosen.instance = self_.id;
        announcer_ = std::make_unique<announcer>(executor_, *etcd_, chosen,
                                                 [this] { return pages_->summary(); });
        source_->on_change([this] { announcer_->notify(); });
    }
}

tail::moment agent_loops::now() const {
    return {steady::now(), os::wall_ms()};
}

void agent_loops::spawn(asio::awaitable<void> task) {
    tasks_.spawn(guarded(std::move(task)));
}

asio::awaitable<void> agent_loops::guarded(asio::awaitable<void> task) {
    try {
        co_await std::move(task);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        failure_ = std::current_exception();
    } catch (...) {
        failure_ = std::current_exception();
    }
    // An end that nobody asked for stops the agent in good order.
    if (failure_) stopping_.notify();
}

asio::awaitable<int> agent_loops::run() {
    LOGAGENT_LOG(info, "agent.started",
                 "version " << LOGAGENT_VERSION << " (" << LOGAGENT_COMMIT << "), host " << host_
                            << ", instance " << self_.id);
    if (self_.cloned)
        LOGAGENT_LOG(warn, "agent.state_cloned",
                     "the state came from another machine: positions are kept, a new instance id "
                     "is used");
    spawn(signals());
    if (main_) {
        spawn(main_->run());
        spawn(careful_->run());
    }
    if (journal_) spawn(journal_->run());
    spawn(describe());
    spawn(notice());
    spawn(collect());
    spawn(source_->run());
    if (server_) spawn(server_->run());
    if (announcer_) spawn(announcer_->run());
    spawn(housekeeping());

    while (!stop_asked_ && !failure_)
        co_await stopping_.wait();
    const int code = co_await stop();
    co_return code;
}

asio::awaitable<void> agent_loops::collect() {
    std::uint64_t acked = 0;
    for (;;) {
        const auto begun = now();
        stalls_.begin(begun.steady);
        const auto next = collector_->turn(begun);
        acked += collector_->take_acked_bytes();
        if (journal_ && acked >= tell_every_bytes) {
            journal_->note_acked(acked);
            acked = 0;
        }
        stalls_.end(steady::now());
        if (!applied_told_ && collector_->applied()) {
            applied_told_ = true;
            source_->applied(os::wall_ms());
            // Looking up thousands of files leaves much memory behind that is not needed again.
            malloc_trim(0);
        }
        if (stop_asked_ && collector_->drained()) drained_.notify();
        if (options_.once && !stop_asked_ && collector_->finished()) {
            stop_asked_ = true;
            stopping_.notify();
        }
        // Between turns the loop serves reports, pages and signals.
        if (next <= begun.steady)
            co_await asio::post(asio::use_awaitable);
        else
            co_await work_.wait_until(next);
    }
}

asio::awaitable<void> agent_loops::notice() {
    const os::inotify::handler tell = [this](os::inotify::change what, std::string_view directory,
                                             std::string_view name) {
        collector_->changed(what, directory, name, now());
    };
    for (;;) {
        co_await inotify_.wait();
        while (inotify_.read(tell)) {
            work_.notify();
            co_await asio::post(asio::use_awaitable);
        }
        work_.notify();
        if (window_.length() == 0ms) continue;
        // The first event after idle was served at once; the next ones gather.
        window_timer_.expires_after(window_.length());
        co_await window_timer_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> agent_loops::describe() {
    for (;;) {
        auto names = collector_->due_topics(now());
        if (names.empty()) {
            const auto again = steady::now() + 1s;
            co_await describe_.wait_until(again);
            continue;
        }
        std::vector<kafka::topic_description> answers;
        if (careful_) {
            const auto deadline = steady::now() + describe_deadline;
            answers = co_await careful_->describe(std::move(names), deadline);
        } else {
            for (const auto& name : names)
                answers.push_back(describe_stdout(name));
        }
        for (const auto& answer : answers) {
            collector_->described(answer, now());
            if (main_ && answer.max_message_bytes && *answer.max_message_bytes < 1'000'000)
                main_->limit_batch_bytes(*answer.max_message_bytes);
        }
        work_.notify();
    }
}

asio::awaitable<void> agent_loops::housekeeping() {
    // A configuration may come much later, and the service manager takes a service that does not
    // get ready for one that hangs.
    manager_.ready();
    auto due = steady::now();
    for (;;) {
        due += 1s;
        house_timer_.expires_at(due);
        co_await house_timer_.async_wait(asio::use_awaitable);
        const auto woken = steady::now();
        stalls_.fired(due, woken);
        due = std::max(due, woken - 1s);
        base::sweep_log();
        if (main_) window_.second_passed(main_->requests());
        if (manager_.watchdog_interval()) manager_.watchdog();
        tell_manager();
    }
}

void agent_loops::tell_manager() {
    const bool kafka_up = !main_ || main_->state().up;
    auto text = service_status(source_->report(), collector_->file_count(), kafka_up);
    if (text == told_manager_) return;
    manager_.status(text);
    told_manager_ = std::move(text);
}

asio::awaitable<void> agent_loops::signals() {
    for (;;) {
        const int caught = co_await signals_.async_wait(asio::use_awaitable);
        if (caught == SIGHUP) {
            LOGAGENT_LOG(info, "agent.reload", "SIGHUP: the configuration is read again");
            source_->reload();
            continue;
        }
        if (stop_asked_) {
            LOGAGENT_LOG(warn, "agent.stop_now", "second signal: stopping at once");
            stop_now_ = true;
            drained_.notify();
        }
        stop_asked_ = true;
        stopping_.notify();
    }
}

asio::awaitable<int> agent_loops::stop() {
    manager_.stopping();
    bool good = true;
    const bool once_finished = options_.once && collector_->finished();
    if (once_finished) good = report_once();
    collector_->stop_reading();
    work_.notify();
    const auto deadline = steady::now() + settings_.shutdown_timeout;
    while (!failure_ && !stop_now_ && !collector_->drained() && steady::now() < deadline)
        co_await drained_.wait_until(std::min(deadline, steady::now() + 100ms));
    const bool drained = collector_->drained() && collector_->blocked_bytes() == 0 &&
                         (!options_.once || once_finished || stop_now_);

    tasks_.stop();
    co_await tasks_.join();
    collector_->save_positions();
    const bool saved = !journal_ || journal_->close();
    if (announcer_ && !failure_) co_await release_presence();
    if (failure_) {
        LOGAGENT_LOG(error, "agent.failed", base::describe(failure_));
        co_return exit_failed;
    }
    LOGAGENT_LOG(info, "agent.stopped",
                 (drained ? "everything read was acknowledged"
                          : "lines are still unacknowledged or could not be sent; they are sent "
                            "at the next start"));
    if (!drained) co_return exit_unacknowledged;
    co_return good&& saved ? exit_done : exit_failed;
}

asio::awaitable<void> agent_loops::release_presence() {
    // The lease ends it anyway; a stop does not wait for an etcd that does not answer.
    async::task_group bounded{executor_};
    asio::steady_timer limit{executor_, 1s};
    bounded.spawn(announcer_->release());
    limit.async_wait([&](const boost::system::error_code& ended) {
        if (!ended) bounded.stop();
    });
    co_await bounded.join();
    limit.cancel();
    co_await asio::post(asio::use_awaitable);
}

bool agent_loops::report_once() {
    bool all_read = true;
    collector_->visit_files({}, 20'000, steady::now(), [&](const tail::file_view& file) {
        if (!file.generation.empty()) return;
        all_read = false;
        LOGAGENT_LOG(error, "agent.once", file.path << " was not read: " << file.last_error);
    });
    return all_read;
}

std::vector<std::pair<std::string, std::string>> agent_loops::problems() const {
    std::vector<std::pair<std::string, std::string>> found;
    if (self_.cloned)
        found.emplace_back("state_cloned", "the state directory was copied from another machine");
    if (announcer_)
        for (auto& each : announcer_->problems())
            found.push_back(std::move(each));
    if (spilled_ && !spilled_->last_problem().empty())
        found.emplace_back("dead_letters", spilled_->last_problem());
    if (spilled_ && spilled_->removed() > 0)
        found.emplace_back("dead_letters_lost",
                           std::to_string(spilled_->removed()) +
                               " dead letters that Kafka refused were removed from " + state_dir_ +
                               "/dead, the oldest first: it holds 64 MiB at most");
    if (journal_ && journal_->loaded().lost)
        found.emplace_back("state_lost", journal_->loaded().text);
    return found;
}

bool agent_loops::spill(const tail::dead_letter& letter) {
    if (!spilled_) return false;
    const auto removed = spilled_->removed();
    if (!spilled_->keep(letter, steady::now(), os::wall_ms())) {
        if (!spilled_->last_problem().empty())
            LOGAGENT_LOG(error, "dead_letter.spill",
                         spilled_->last_problem() << "; the record is kept in memory");
        return false;
    }
    LOGAGENT_LOG(
        warn, "dead_letter.spill",
        letter.topic << " refused a record for a minute; it lies in " << state_dir_ << "/dead");
    if (spilled_->removed() > removed)
        LOGAGENT_LOG(
            error, "dead_letter.removed",
            "the oldest records in " << state_dir_ << "/dead were removed, there are too many");
    return true;
}

}  // namespace logagent::agent

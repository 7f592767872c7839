#include <malloc.h>

#include "agent_loops.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/os/machine_id.hpp"
#include "logagent_version.hpp"

// How the parts of an agent are made and joined.

namespace logagent::agent {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

os::posix_disk::settings disk_settings(const settings& from) {
    return {os::path_policy{{from.allow_paths, from.deny_paths}}, from.allow_hardlinks,
            from.allow_network_fs};
}

tail::collector_options collector_settings(const settings& from, const std::string& host,
                                           bool once) {
    tail::collector_options chosen;
    chosen.held_deleted_bytes = from.held_deleted_bytes;
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

std::vector<fleet::log_target> targets_of(const std::vector<local_file>& files) {
    std::vector<fleet::log_target> targets;
    for (const auto& file : files) {
        fleet::log_target target;
        target.log_path = file.path;
        target.topic = file.topic;
        target.service = file.service;
        target.send_rate = file.rate;
        target.start = file.start;
        targets.push_back(std::move(target));
    }
    return targets;
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

/// Passes delivery reports on and wakes the collector. Those of figures go to who sent them.
class agent_loops::reports final : public kafka::delivery_listener {
public:
    reports(kafka::delivery_listener& to, async::event& wakes,
            const std::unique_ptr<stats_publisher>& stats)
        : to_{to}, wakes_{wakes}, stats_{stats} {}
    void delivered(void* batch, std::uint32_t count) override {
        if (stats_ && stats_->reported(batch, kafka::error::none)) return;
        to_.delivered(batch, count);
        wakes_.notify();
    }
    void failed(void* batch, const char* value, kafka::error code, bool stored) override {
        if (stats_ && stats_->reported(batch, code)) return;
        to_.failed(batch, value, code, stored);
        wakes_.notify();
    }
    void abandoned() override {
        if (stats_) stats_->abandoned();
        to_.abandoned();
        wakes_.notify();
    }

private:
    kafka::delivery_listener& to_;
    async::event& wakes_;
    const std::unique_ptr<stats_publisher>& stats_;
};

agent_loops::agent_loops(asio::any_io_executor executor, agent_options options,
                         std::string state_dir, instance self,
                         std::vector<os::confinement_layer> layers)
    : executor_{executor},
      options_{std::move(options)},
      settings_{options_.settings},
      state_dir_{std::move(state_dir)},
      self_{std::move(self)},
      layers_{std::move(layers)},
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
    make_collector();
    make_source();
    make_pages();
    if (settings_.status_on) make_server();
    if (etcd_) make_announcer();
    if (etcd_ && main_ && !options_.once) make_commands();
    if (etcd_ && careful_ && !options_.once) make_stats();
}

agent_loops::~agent_loops() = default;

void agent_loops::make_producers() {
    if (options_.to_stdout) {
        const auto broken = [this](const std::string& why) {
            LOGAGENT_LOG(warn, "agent.output", why);
            stop_asked_ = true;
            stop_now_ = true;  // nobody will ever take what is left
            stopping_.notify();
        };
        printed_ = std::make_unique<stdout_producer>(executor_, 1, broken);
        printed_carefully_ = std::make_unique<stdout_producer>(executor_, 1, broken);
        return;
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
    main_ = kafka::create_producer(executor_, options_.kafka, chosen);
    chosen.idempotent = false;
    careful_ = kafka::create_producer(executor_, options_.kafka, chosen);
}

void agent_loops::make_collector() {
    auto& store = journal_ ? static_cast<checkpoint::store&>(*journal_) : memory_;
    kafka::producer& main = main_ ? static_cast<kafka::producer&>(*main_) : *printed_;
    kafka::producer& careful =
        careful_ ? static_cast<kafka::producer&>(*careful_) : *printed_carefully_;
    auto chosen = collector_settings(settings_, host_, options_.once);
    chosen.spill = [this](const tail::dead_letter& letter) { return spill(letter); };
    collector_ = std::make_unique<tail::collector>(std::move(chosen), disk_, *watches_, store, main,
                                                   careful);
    static const std::unique_ptr<stats_publisher> no_stats;  // the main client sends none
    main_reports_ = std::make_unique<reports>(*collector_, work_, no_stats);
    careful_reports_ = std::make_unique<reports>(collector_->careful_listener(), work_, stats_);
    main.listen(*main_reports_);
    careful.listen(*careful_reports_);
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
        source_ = fixed_targets(targets_of(options_.files), apply);
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
    inputs.hardening = layers_;
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
}

void agent_loops::make_server() {
    http::server_options listen;
    const auto& at = settings_.status_addr;
    listen.listen = http::endpoint{at.host, at.port}.authority();
    listen.report = [](const std::string& text) { LOGAGENT_LOG(warn, "status.server", text); };
    server_ = std::make_unique<http::server>(executor_, std::move(listen), pages_->routes());
    if (const std::string refused = server_->listen(); !refused.empty())
        throw base::problem_error{{"status_addr", "status_addr: " + refused}};
}

void agent_loops::make_announcer() {
    announcer_options chosen;
    chosen.key = status_key(settings_, host_);
    chosen.instance = self_.id;
    announcer_ =
        std::make_unique<announcer>(executor_, *etcd_, chosen, [this] { return announced(); });
    source_->on_change([this] { announcer_->notify(); });
}

void agent_loops::make_stats() {
    stats_options chosen;
    chosen.topic = "_logagent.stats";
    chosen.host = host_;
    chosen.instance = self_.id;
    const auto files = [this](std::string_view after, std::size_t limit,
                              const std::function<void(const tail::file_view&)>& each) {
        collector_->visit_files(after, limit, steady::now(), each);
    };
    stats_ = std::make_unique<stats_publisher>(executor_, *careful_, files, std::move(chosen));
}

void agent_loops::make_commands() {
    command_surroundings around;
    around.prefix = settings_.etcd_prefix();
    around.instance = self_.id;
    around.host = [this, status = status_key(settings_, "")] {
        const auto& held = announcer_->held_key();
        return held.starts_with(status) ? held.substr(status.size()) : std::string{};
    };
    if (!state_dir_.empty()) around.state_file = state_dir_ + "/commands.json";
    if (!options_.config_file.empty())
        around.replay_words.push_back("--config=" + options_.config_file);
    for (const auto& one : options_.overrides)
        around.replay_words.push_back("--set=" + one);
    around.shutdown_timeout = settings_.shutdown_timeout;
    around.max_send_rate_bytes = settings_.max_send_rate_bytes;
    around.limit_files = [this](std::uint64_t rate) {
        collector_->set_max_send_rate(rate, now());
        work_.notify();
    };
    around.disk = &disk_;
    around.sweep = [this] {
        collector_->sweep_now();
        work_.notify();
    };
    around.swept = [this] { return collector_->swept(); };
    around.file_count = [this] { return collector_->file_count(); };
    around.forget_vanished = [this] { return source_->forget_vanished(); };
    commands_ = std::make_unique<command_runner>(executor_, *etcd_, std::move(around));
}

}  // namespace logagent::agent

#include "engine.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <random>

#include "logagent/async/guarded.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/kafka/topic_reader.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/tail/line_time.hpp"
#include "logagent_version.hpp"
#include "sink_kinds.hpp"
#include "state_files.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_unsettled = 3;

constexpr auto topic_patience = 10s;
constexpr auto letter_patience = 1s;  // for dead letters at the end; their records stay pending

kafka::name_lookup look_up(dns::resolver& names) {
    return [&names](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        auto found = co_await names.resolve(std::move(host), deadline);
        co_return std::move(found.addresses);
    };
}

kafka::producer_options letter_producer(dns::resolver& names) {
    kafka::producer_options out;
    out.idempotent = false;  // one that is refused takes no other along
    out.seed = std::random_device{}();
    out.look_up = look_up(names);
    out.log = [](int level, std::string_view, std::string_view text) {
        if (level <= 4) LOGAGENT_LOG(debug, "transfer.letters_client", text);
    };
    return out;
}

}  // namespace

engine::engine(asio::any_io_executor executor, transfer_options options, std::string state)
    : executor_{executor},
      options_{std::move(options)},
      state_{std::move(state)},
      names_{executor},
      manager_{os::service_notifier::from_environment()},
      tasks_{executor},
      route_tasks_{executor},
      stopping_{executor},
      route_ended_{executor},
      signals_{executor, SIGTERM, SIGINT},
      house_timer_{executor},
      card_timer_{executor} {
    char room[40];
    started_ = tail::format_moment(os::wall_ms(), room);
    producer_ = kafka::create_producer(executor_, options_.kafka, letter_producer(names_));
    dead_letters::topic_maker maker = [this](std::string topic) {
        return make_topic(std::move(topic));
    };
    letters_ = std::make_unique<dead_letters>(executor_, *producer_, std::move(maker));
    if (options_.settings.status_addr != "off") serve_status();
}

engine::~engine() = default;

void engine::serve_status() {
    http::server_options listen;
    listen.listen = options_.settings.status_addr;
    listen.report = [](const std::string& text) { LOGAGENT_LOG(warn, "transfer.status", text); };
    server_ = std::make_unique<http::server>(executor_, std::move(listen), status_routes(*this));
    if (const auto refused = server_->listen(); !refused.empty())
        throw base::problem_error{{"status_addr", "status_addr: " + refused}};
}

void engine::spawn(asio::awaitable<void> task) {
    tasks_.spawn(async::guarded(std::move(task), failure_, stopping_));
}

asio::awaitable<int> engine::run() {
    LOGAGENT_LOG(info, "transfer.started",
                 "version " << LOGAGENT_VERSION << " (" << LOGAGENT_COMMIT << "), "
                            << options_.settings.routes.size() << " routes from the file, brokers "
                            << options_.kafka.brokers);
    for (const auto& one : options_.refused)
        for (const auto& problem : one.problems)
            LOGAGENT_LOG(error, "transfer.refused_section",
                         one.name << " is not used: " << problem.line());
    spawn(signals());
    spawn(producer_->run());
    spawn(letters_->run());
    if (server_) {
        const auto at = server_->local_endpoint();
        LOGAGENT_LOG(info, "transfer.status_at",
                     "http://" << at.address().to_string() << ":" << at.port() << "/status");
        spawn(server_->run());
    }
    spawn(housekeeping());
    for (auto& one : options_.settings.routes)
        set_route(one);
    if (!options_.settings.etcd_addr.empty()) follow_etcd();
    if (options_.to_its_end) spawn(until_caught_up());
    while (!stop_asked_ && !failure_)
        co_await stopping_.wait();
    manager_.stopping();
    const bool settled = co_await stop_routes();
    const auto letters_until = clock::now() + letter_patience;
    co_await producer_->drain(letters_until);
    tasks_.stop();
    co_await tasks_.join();
    // Others need not wait for the lease to end.
    if (presence_ && presence_->now() == etcd::presence::state::held) co_await presence_->release();
    if (options_.to_its_end) std::printf("%s\n", outcome_.c_str());
    if (failure_) {
        LOGAGENT_LOG(error, "transfer.failed", base::describe(failure_));
        co_return exit_failed;
    }
    LOGAGENT_LOG(info, "transfer.stopped",
                 (settled ? "everything that was read is settled"
                          : "records are still pending; they are read again at the next start"));
    co_return settled ? exit_done : exit_unsettled;
}

void engine::follow_etcd() {
    const auto& from = options_.settings;
    etcd::client_options chosen;
    chosen.endpoints = from.etcd_addr;
    chosen.timeout = from.etcd_timeout;
    chosen.user = from.etcd_user;
    chosen.password_file = from.etcd_password_file;
    chosen.tls = {from.etcd_ca, from.etcd_cert, from.etcd_key};
    chosen.seed = std::random_device{}();
    etcd_ = std::make_unique<etcd::client>(executor_, names_, std::move(chosen));
    std::set<std::string> local;
    for (const auto& one : from.routes)
        local.insert(one.name);
    etcd_routes::actions to;
    to.set = [this](route_settings wanted) { set_route(std::move(wanted)); };
    to.remove = [this](const std::string& name) { remove_route(name); };
    to.changed = [this] { save_routes(); };
    const auto prefix = from.prefix + "_transfer/routes/";
    etcd_routes_ =
        std::make_unique<etcd_routes>(prefix, from.sinks, std::move(local), std::move(to));
    etcd_routes_->restore(saved_routes(state_));
    etcd::watch_options watching;
    watching.ranges.push_back({prefix, true});
    watching.seed = std::random_device{}();
    watch_ = std::make_unique<etcd::watch>(executor_, *etcd_, std::move(watching), *etcd_routes_);
    spawn(watch_->run());
    show_in_etcd();
}

asio::awaitable<bool> engine::stop_routes() {
    const auto timeout = stop_now_ ? 0s : options_.settings.shutdown_timeout;
    const auto deadline = clock::now() + timeout;
    for (auto& [name, kept] : routes_) {
        kept.stop = true;
        if (kept.live) kept.live->ask_stop(deadline);
    }
    route_ended_.notify();
    const auto all_ended = [&] {
        return std::all_of(routes_.begin(), routes_.end(),
                           [](const auto& one) { return one.second.ended; });
    };
    while (!all_ended()) {
        const auto look = clock::now() + 100ms;
        co_await route_ended_.wait_until(look);
        if (!stop_now_) continue;
        for (auto& [name, kept] : routes_)
            if (kept.live) kept.live->ask_stop(clock::now());
    }
    co_await route_tasks_.join();
    co_return std::all_of(routes_.begin(), routes_.end(),
                          [](const auto& one) { return one.second.settled; });
}

std::uint64_t engine::share() const {
    // Those of the file all start at once.
    const auto count = std::max({routes_.size(), options_.settings.routes.size(), std::size_t{1}});
    return options_.settings.in_flight_bytes / count;
}

void engine::set_route(route_settings wanted) {
    const auto name = wanted.name;
    auto found = routes_.find(name);
    if (found != routes_.end() && found->second.ended) {
        routes_.erase(found);
        found = routes_.end();
    }
    if (found == routes_.end()) {
        routes_[name].wanted = std::move(wanted);
        route_tasks_.spawn(keep(name));
    } else {
        found->second.wanted = std::move(wanted);
        found->second.anew = true;
        found->second.stop = false;
        if (found->second.live)
            found->second.live->ask_stop(clock::now() + options_.settings.shutdown_timeout);
        route_ended_.notify();
    }
    for (auto& [other, kept] : routes_)
        if (kept.live) kept.live->limit_memory(share());
}

void engine::remove_route(const std::string& name) {
    const auto found = routes_.find(name);
    if (found == routes_.end()) return;
    found->second.stop = true;
    if (found->second.live)
        found->second.live->ask_stop(clock::now() + options_.settings.shutdown_timeout);
    route_ended_.notify();
}

std::unique_ptr<route> engine::make_route(const kept_route& kept) {
    const auto& sinks = options_.settings.sinks;
    const auto where = std::find_if(sinks.begin(), sinks.end(), [&](const sink_settings& one) {
        return one.name == kept.wanted.sink;
    });
    std::string spool;
    if (kind_of(where->type).spools) spool = route_spool(state_, kept.wanted.name);
    route_parts parts{executor_,
                      names_,
                      *producer_,
                      *letters_,
                      last_lane_,
                      options_.kafka,
                      options_.settings.group_prefix + "." + kept.wanted.name,
                      std::move(spool),
                      share()};
    return std::make_unique<route>(std::move(parts), kept.wanted, *where);
}

asio::awaitable<void> engine::run_route(kept_route& kept) {
    kept.failure.clear();
    try {
        kept.live = make_route(kept);
        kept.settled = co_await kept.live->run();
    } catch (const std::exception& failure) {
        kept.failure = failure.what();
        kept.settled = false;
    }
    kept.live.reset();
}

/// Runs a route again and again, until it shall stop.
asio::awaitable<void> engine::keep(std::string name) {
    auto& kept = routes_.at(name);
    async::backoff pause{1s, 60s, std::random_device{}()};
    while (!kept.stop) {
        kept.anew = false;
        co_await run_route(kept);
        if (kept.failure.empty()) {
            pause.reset();
            continue;
        }
        const auto wait = pause.next();
        LOGAGENT_LOG(error, "transfer.route_failed",
                     "route " << name << ": " << kept.failure << "; it is started again in "
                              << std::chrono::duration_cast<std::chrono::seconds>(wait).count()
                              << " s, the other routes go on");
        asio::steady_timer timer{executor_};
        const auto until = clock::now() + wait;
        while (!kept.stop && !kept.anew && clock::now() < until) {
            timer.expires_at(std::min(until, clock::now() + 200ms));
            co_await timer.async_wait(asio::use_awaitable);
        }
    }
    kept.ended = true;
    route_ended_.notify();
}

asio::awaitable<void> engine::signals() {
    for (;;) {
        co_await signals_.async_wait(asio::use_awaitable);
        if (stop_asked_) {
            LOGAGENT_LOG(warn, "transfer.stop_now", "second signal: stopping at once");
            stop_now_ = true;
            route_ended_.notify();
        }
        stop_asked_ = true;
        stopping_.notify();
    }
}

asio::awaitable<void> engine::housekeeping() {
    manager_.ready();
    for (;;) {
        house_timer_.expires_after(1s);
        co_await house_timer_.async_wait(asio::use_awaitable);
        base::sweep_log();
        if (manager_.watchdog_interval()) manager_.watchdog();
        if (stop_asked_) continue;  // the exit code wants to know how they ended
        std::erase_if(routes_, [](const auto& one) { return one.second.ended; });
    }
}

asio::awaitable<void> engine::until_caught_up() {
    asio::steady_timer timer{executor_};
    for (const auto& route : options_.settings.routes) {
        const auto deadline = clock::now() + topic_patience;
        const auto found = co_await producer_->describe(route.topics, deadline);
        // Without the topic there are no letters, and nothing would ever be assigned.
        if (found[0].code == kafka::error::unknown_topic_or_partition) remove_route(route.name);
    }
    for (;;) {
        timer.expires_after(500ms);
        co_await timer.async_wait(asio::use_awaitable);
        bool all = true;
        for (auto& [name, kept] : routes_) {
            all = all && (kept.ended || (kept.live && kept.live->caught_up()));
            if (kept.live) kept.live->look_again();
        }
        if (!all) continue;
        std::uint64_t accepted = 0;
        std::uint64_t refused = 0;
        for (const auto& one : status().routes) {
            accepted += one.accepted;
            refused += one.refused;
        }
        outcome_ =
            std::to_string(accepted) + " accepted, " + std::to_string(refused) + " refused again";
        stop_asked_ = true;
        stopping_.notify();
        co_return;
    }
}

asio::awaitable<std::string> engine::make_topic(std::string topic) {
    const auto deadline = clock::now() + topic_patience;
    std::vector<std::string> names{topic, topic.substr(0, topic.size() - dead_suffix.size())};
    const auto found = co_await producer_->describe(std::move(names), deadline);
    if (found[0].code == kafka::error::none) co_return std::string{};
    if (found[0].code != kafka::error::unknown_topic_or_partition)
        co_return kafka::text(found[0].code);
    const int partitions = std::max(1, static_cast<int>(found[1].partitions.size()));
    if (!topic_maker_) {
        topic_maker_ = kafka::create_topic_reader(executor_, options_.kafka, look_up(names_));
        spawn(topic_maker_->run([](const kafka::stored_record&) {}));
    }
    const auto made = co_await topic_maker_->prepare(topic, partitions, deadline);
    std::string why = made.text;
    if (why.empty()) LOGAGENT_LOG(info, "transfer.dead_topic", "topic " << topic << " was made");
    co_return why;
}

}  // namespace logagent::transfer

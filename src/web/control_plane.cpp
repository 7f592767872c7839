#include "control_plane.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <deque>
#include <iterator>
#include <random>

#include "logagent/async/backoff.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "logagent_version.hpp"
#include "new_hosts.hpp"
#include "pages.hpp"
#include "pruning.hpp"
#include "stamp.hpp"
#include "token.hpp"

namespace logagent::web {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

// A process that has died is missed after so long; etcd grants no shorter leases than some seconds.
constexpr std::chrono::seconds replica_life{6};

constexpr auto prune_interval = 1h;

constexpr std::string_view first_token_id = "first";

etcd::client_options etcd_settings(const settings& from) {
    etcd::client_options chosen;
    chosen.endpoints = from.etcd_addr;
    chosen.timeout = from.etcd_timeout;
    chosen.user = from.etcd_user;
    chosen.password_file = from.etcd_password_file;
    chosen.tls = {from.etcd_ca, from.etcd_cert, from.etcd_key};
    chosen.seed = std::random_device{}();
    return chosen;
}

/// On every answer (web.md and security.md say why each).
std::vector<http::field> protective_fields() {
    return {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
         "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy",
         "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-read=()"},
    };
}

}  // namespace

/// Keeps tokens, sessions, hosts and processes of transfer as etcd has them.
///
/// A snapshot of ten thousand hosts is read in turns: until its end what was known before stays,
/// and changes that come meanwhile wait behind it, no more than the watch brings in that time.
class control_plane::follower final : public etcd::watch_handler {
public:
    explicit follower(control_plane& of) : of_{of}, work_{of.executor_} {}

    void snapshot(etcd::snapshot now) override {
        of_.tokens_.clear();
        of_.services_.clear();
        of_.parts_.transfers.clear();
        of_.hosts_.begin_snapshot();
        waiting_.clear();
        for (auto& entry : now.keys) {
            if (is_of_host(entry.key))
                waiting_.push_back({etcd::event::kind::put, std::move(entry)});
            else
                put(entry);
        }
        revision_ = now.revision;
        left_ = waiting_.size();
        reading_ = true;
        work_.notify();
    }

    void changed(etcd::event change) override {
        if (reading_)
            waiting_.push_back(std::move(change));
        else
            follow(change);
    }

    /// Reads snapshots; runs until stopped.
    asio::awaitable<void> run() {
        for (;;) {
            while (!reading_)
                co_await work_.wait();
            read_some();
            co_await asio::post(asio::use_awaitable);
        }
    }

    void state(connection now, const std::string& text) override {
        const bool connected = now == connection::connected;
        if (connected && !reason_.empty()) LOGAGENT_LOG(info, "web.etcd", "etcd answers again");
        if (!connected) LOGAGENT_LOG(warn, "web.etcd", text);
        reason_ = connected ? std::string{} : text;
    }

    const std::string& reason() const { return reason_; }

private:
    static constexpr std::size_t keys_a_turn = 200;

    bool is_of_host(const std::string& key) const {
        const auto& keys = of_.parts_.keys;
        return key.starts_with(keys.statuses()) || key.starts_with(keys.hosts());
    }

    void read_some() {
        for (std::size_t count = 0; count < keys_a_turn && left_ > 0; ++count, --left_) {
            put(waiting_.front().entry);
            waiting_.pop_front();
        }
        if (left_ > 0) return;
        reading_ = false;
        of_.hosts_.end_snapshot(os::wall_ms());
        of_.live_.restart(revision_);
        of_.tails_.changed();
        of_.tokens_.set_known();
        of_.tokens_known_.notify();
        for (const auto& change : waiting_)
            follow(change);
        waiting_.clear();
    }

    void follow(const etcd::event& change) {
        if (change.what == etcd::event::kind::put)
            put(change.entry);
        else
            remove(change.entry.key);
        tell(change.entry);
    }

    void put(const etcd::key_value& entry) {
        const auto& keys = of_.parts_.keys;
        if (const auto id = behind(entry.key, keys.tokens()); !id.empty())
            of_.tokens_.put_token(id, entry.value, entry.mod_revision);
        if (const auto hash = behind(entry.key, keys.sessions()); !hash.empty())
            of_.tokens_.put_session(hash, entry.value);
        if (const auto host = behind(entry.key, keys.statuses()); !host.empty())
            of_.hosts_.put(host, entry.value, os::wall_ms());
        if (const auto host = behind(entry.key, keys.hosts()); !host.empty())
            of_.hosts_.put_document(host, entry.value, entry.mod_revision);
        if (const auto instance = behind(entry.key, keys.transfers()); !instance.empty()) {
            auto read = read_process(instance, entry.value);
            if (read) of_.parts_.transfers.insert_or_assign(read->instance, *std::move(read));
        }
        if (const auto name = behind(entry.key, keys.services()); !name.empty()) {
            auto read = fleet::parse_stored_service(entry.value);
            if (read.errors.empty())
                of_.services_[std::string{name}] = std::move(read.value);
            else
                of_.services_.erase(std::string{name});
        }
    }

    void remove(const std::string& key) {
        const auto& keys = of_.parts_.keys;
        if (const auto id = behind(key, keys.tokens()); !id.empty()) of_.tokens_.remove_token(id);
        if (const auto hash = behind(key, keys.sessions()); !hash.empty())
            of_.tokens_.remove_session(hash);
        if (const auto host = behind(key, keys.statuses()); !host.empty())
            of_.hosts_.remove(host, os::wall_ms());
        if (const auto host = behind(key, keys.hosts()); !host.empty())
            of_.hosts_.remove_document(host);
        if (const auto name = behind(key, keys.services()); !name.empty())
            of_.services_.erase(std::string{name});
        if (const auto instance = behind(key, keys.transfers()); !instance.empty())
            of_.parts_.transfers.erase(std::string{instance});
    }

    /// Tells the clients what has changed.
    void tell(const etcd::key_value& entry) {
        const auto& keys = of_.parts_.keys;
        const auto told = [&](live_topic::kind what, std::string_view name, bool host) {
            if (name.empty()) return;
            live_change change;
            change.revision = entry.mod_revision;
            change.topic.what = what;
            (host ? change.name : change.topic.name) = name;
            of_.live_.changed(std::move(change));
            of_.tails_.changed();
        };
        told(live_topic::kind::hosts, behind(entry.key, keys.statuses()), true);
        told(live_topic::kind::hosts, behind(entry.key, keys.hosts()), true);
        told(live_topic::kind::service, behind(entry.key, keys.services()), false);
        told(live_topic::kind::rollout, behind(entry.key, keys.rollouts()), false);
    }

    control_plane& of_;
    async::event work_;
    std::string reason_;         // why etcd is not there; empty = it is
    bool reading_ = false;       // a snapshot
    std::size_t left_ = 0;       // of its keys, in front of waiting_
    std::int64_t revision_ = 0;  // of the snapshot
    std::deque<etcd::event> waiting_;
};

control_plane::control_plane(asio::any_io_executor executor, const turn_meter& turns,
                             settings chosen, route_check check)
    : executor_{executor},
      settings_{std::move(chosen)},
      names_{executor},
      etcd_{executor, names_, etcd_settings(settings_)},
      store_{etcd_, key_names{settings_.prefix}},
      tails_{executor, lines_from_kafka(), services_, hosts_},
      stats_{executor, lines_from_kafka(), "_logagent.stats"},
      parts_{.keys = key_names{settings_.prefix},
             .store = store_,
             .tokens = tokens_,
             .hosts = hosts_,
             .live = live_,
             .tails = tails_,
             .stats = stats_,
             .services = services_},
      board_{parts_},
      rollouts_{parts_},
      api_{parts_},
      follower_{std::make_unique<follower>(*this)},
      manager_{os::service_notifier::from_environment()},
      tasks_{executor},
      stopping_{executor},
      tokens_known_{executor},
      hosts_changed_{executor},
      signals_{executor, SIGTERM, SIGINT, SIGHUP},
      house_timer_{executor},
      lead_timer_{executor},
      gather_timer_{executor},
      bootstrap_timer_{executor} {
    parts_.board = &board_;
    parts_.check_route = std::move(check);
    parts_.lag_of = [this](std::string_view host) -> std::optional<std::uint64_t> {
        const auto* known =
            stats_.rates().is_fresh(host, os::wall_ms()) ? stats_.rates().host(host) : nullptr;
        if (!known) return std::nullopt;
        std::uint64_t lag = 0;
        for (const auto& file : known->files)
            lag += file.lag_bytes;
        return lag;
    };
    parts_.replica = ulid(os::wall_ms(), random_bytes(10));
    hosts_.changed = [this] { hosts_changed_.notify(); };
    parts_.not_ready = [this] { return not_ready(); };
    parts_.counters = [this] { return server_->counters(); };
    parts_.longest_turn = [&turns] { return turns.longest(); };
    make_server();

    etcd::watch_options watching;
    const auto& keys = parts_.keys;
    for (const auto& prefix : {keys.tokens(), keys.sessions(), keys.hosts(), keys.statuses(),
                               keys.services(), keys.rollouts(), keys.transfers()})
        watching.ranges.push_back({prefix, true});
    watching.seed = std::random_device{}();
    watch_ = std::make_unique<etcd::watch>(executor_, etcd_, std::move(watching), *follower_);
    replica_ = hold(keys.replica(parts_.replica));
    leader_ = hold(keys.leader());
}

control_plane::~control_plane() = default;

void control_plane::make_server() {
    http::server_options listen;
    listen.listen = settings_.listen.authority();
    listen.fields = protective_fields();
    // A page keeps a connection for its events.
    listen.max_connections = live_hub::most_streams + 100;
    listen.max_per_peer = 100;
    listen.tls = {settings_.tls_cert, settings_.tls_key, settings_.tls_client_ca};
    parts_.tls = listen.tls.on();
    listen.report = [](const std::string& text) { LOGAGENT_LOG(warn, "web.server", text); };
    listen.report_handshake = [](const std::string& text) {
        LOGAGENT_LOG(info, "web.handshake", text);
    };
    listen.refuse = [this](const http::request& asked, unsigned status, std::string text) {
        return api_.refuse(asked, status, std::move(text));
    };
    auto routes = api_.routes();
    std::ranges::move(page_routes(settings_.ui_dir), std::back_inserter(routes));
    server_ = std::make_unique<http::server>(executor_, std::move(listen), std::move(routes));
    if (const std::string refused = server_->prepare_tls(); !refused.empty())
        throw base::problem_error{{"tls_cert", "TLS: " + refused}};
    if (const std::string refused = server_->listen(); !refused.empty())
        throw base::problem_error{{"listen", "listen: " + refused}};
    if (parts_.tls) parts_.certificate = &certificate_.emplace(*server_, settings_.tls_cert);
}

std::unique_ptr<etcd::presence> control_plane::hold(std::string key) {
    etcd::presence_options chosen;
    chosen.key = std::move(key);
    chosen.ttl = replica_life;
    chosen.seed = std::random_device{}();
    auto out = std::make_unique<etcd::presence>(executor_, etcd_, std::move(chosen));
    out->show(parts_.replica);
    return out;
}

tail_desk::make_reader control_plane::lines_from_kafka() {
    if (settings_.kafka_addr.empty()) return {};
    std::map<std::string, std::string> given;
    for (const auto& [name, written] : settings_.kafka)
        given.emplace(name, written.value);
    std::string brokers;
    for (const auto& one : settings_.kafka_addr)
        brokers += (brokers.empty() ? "" : ",") + one;
    auto read = kafka::read_settings(brokers, given, http::default_ca_file());
    if (!read.errors.empty())
        throw base::problem_error{
            {"kafka", read.errors.front().key + ": " + read.errors.front().reason}};
    kafka::live_reader_options options;
    options.look_up = [this](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        auto found = co_await names_.resolve(std::move(host), deadline);
        co_return std::move(found.addresses);
    };
    return [this, settings = std::move(read.value), options] {
        return kafka::create_live_reader(executor_, settings, options);
    };
}

std::string control_plane::not_ready() const {
    if (!follower_->reason().empty()) return follower_->reason();
    return tokens_.known() ? std::string{} : "etcd has not answered yet";
}

void control_plane::spawn(asio::awaitable<void> task) {
    tasks_.spawn(async::guarded(std::move(task), failure_, stopping_));
}

asio::awaitable<int> control_plane::run() {
    const auto at = server_->local_endpoint();
    http::endpoint bound{at.address().to_string(), at.port(), parts_.tls};
    LOGAGENT_LOG(info, "web.started",
                 "version " << LOGAGENT_VERSION << " (" << LOGAGENT_COMMIT << "), "
                            << (bound.tls ? "https://" : "http://") << bound.authority()
                            << "/, keys below " << settings_.prefix);
    if (certificate_) certificate_->begin(os::wall_ms());
    spawn(signals());
    spawn(watch_->run());
    spawn(follower_->run());
    spawn(server_->run());
    spawn(bootstrap());
    spawn(follow_hosts());
    spawn(replica_->run());
    spawn(leader_->run());
    spawn(lead());
    spawn(tails_.run());
    spawn(stats_.run());
    spawn(housekeeping());
    while (!stop_asked_ && !failure_)
        co_await stopping_.wait();
    manager_.stopping();
    tasks_.stop();
    co_await tasks_.join();
    // Others need not wait for the leases to end.
    if (not_ready().empty()) {
        co_await leader_->release();
        co_await replica_->release();
    }
    if (failure_) {
        LOGAGENT_LOG(error, "web.failed", base::describe(failure_));
        co_return 1;
    }
    LOGAGENT_LOG(info, "web.stopped", "stopped by a signal");
    co_return 0;
}

asio::awaitable<void> control_plane::signals() {
    for (;;) {
        const int caught = co_await signals_.async_wait(asio::use_awaitable);
        if (caught != SIGHUP) break;
        if (certificate_)
            certificate_->look(os::wall_ms(), true);
        else
            LOGAGENT_LOG(info, "web.reload", "SIGHUP: there is no certificate to read again");
    }
    stop_asked_ = true;
    stopping_.notify();
}

asio::awaitable<void> control_plane::housekeeping() {
    manager_.ready();
    for (;;) {
        house_timer_.expires_after(1s);
        co_await house_timer_.async_wait(asio::use_awaitable);
        base::sweep_log();
        if (certificate_) certificate_->look(os::wall_ms(), false);
        if (manager_.watchdog_interval()) manager_.watchdog();
    }
}

asio::awaitable<void> control_plane::follow_hosts() {
    std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<int> milliseconds{200, 700};
    bool settled = true;
    for (;;) {
        if (settled) co_await hosts_changed_.wait();
        // With jitter: several processes see the same host come.
        gather_timer_.expires_after(std::chrono::milliseconds{milliseconds(random)});
        co_await gather_timer_.async_wait(asio::use_awaitable);
        settled = false;
        if (!tokens_.known()) continue;  // the first snapshot is not read to its end
        std::string failure;
        try {
            settled = co_await serve_new_hosts(parts_, os::wall_ms());
        } catch (const refused& why) {
            failure = why.what();
        }
        if (failure.empty()) continue;
        LOGAGENT_LOG(warn, "web.new_hosts", failure << "; the next try is in 10 s");
        gather_timer_.expires_after(10s);
        co_await gather_timer_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> control_plane::lead() {
    for (;;) {
        lead_timer_.expires_after(1s);
        co_await lead_timer_.async_wait(asio::use_awaitable);
        if (leader_->now() != etcd::presence::state::held || !tokens_.known()) continue;
        std::string failure;
        try {
            co_await lead_once();
        } catch (const refused& why) {
            failure = why.what();
        }
        if (failure.empty()) continue;
        LOGAGENT_LOG(warn, "web.lead", failure << "; the next try is in 5 s");
        lead_timer_.expires_after(5s);
        co_await lead_timer_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> control_plane::lead_once() {
    co_await finish_applies(parts_);
    co_await rollouts_.look(os::wall_ms());
    const auto now = std::chrono::steady_clock::now();
    if (now < prune_at_) co_return;
    prune_at_ = now + prune_interval;
    pruning_limits limits;
    limits.revisions = settings_.keep_revisions;
    limits.revision_days = settings_.revision_days;
    limits.audit_records = settings_.audit_records;
    limits.audit_days = settings_.audit_days;
    const auto gone = co_await prune(parts_, limits, os::wall_ms());
    if (gone > 0) LOGAGENT_LOG(info, "web.pruned", gone << " old records and revisions");
}

asio::awaitable<void> control_plane::bootstrap() {
    while (!tokens_.known())
        co_await tokens_known_.wait();
    // One secret for all tries: when it is not clear whether a try was stored, the next one looks.
    const auto secret = new_token();
    async::backoff pause{200ms, 10s, std::random_device{}()};
    for (;;) {
        const bool settled = co_await try_bootstrap(secret);
        if (settled) co_return;
        bootstrap_timer_.expires_after(pause.next());
        co_await bootstrap_timer_.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<bool> control_plane::try_bootstrap(const std::string& secret) {
    etcd::key_range all{parts_.keys.tokens(), true};
    auto found = co_await etcd_.range(all);
    if (!found) co_return false;
    token_record first;
    first.id = first_token_id;
    first.name = "first start";
    first.allowed = role::admin;
    first.services = {"*"};
    first.sha256 = sha256_hex(secret);
    first.created_at = utc_time(os::wall_ms());
    const auto key = parts_.keys.token(first_token_id);
    bool ours = false;
    if (found->keys.empty()) {
        etcd::txn_request request;
        request.conditions.push_back(unchanged(key, 0));
        request.then.push_back(put(key, to_json(first)));
        auto stored = co_await etcd_.txn(std::move(request));
        if (!stored) co_return false;
        if (stored->succeeded) {
            ours = true;
            tokens_.put_token(first_token_id, to_json(first), stored->header.revision);
        }
    }
    for (const auto& entry : found->keys) {
        const auto read = parse_token(first_token_id, entry.value, entry.mod_revision);
        ours = ours || (entry.key == key && read && read->sha256 == first.sha256);
    }
    if (ours) {
        // Not through the log: this is the one place where a secret is shown, and it is shown once.
        std::fprintf(stderr, "logagent web: first start: the admin token is %s\n", secret.c_str());
        std::fflush(stderr);
    }
    co_return true;
}

}  // namespace logagent::web

#include "demo/stage.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "demo/observed.hpp"
#include "logagent/async/guarded.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/json.hpp"

namespace logagent::demo {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t usual_port = 9480;
constexpr auto start_patience = 60s;
constexpr auto stop_patience = 15s;
constexpr auto between_looks = 100ms;

/// A listener of loopback, to find out whether a port is free; 0 = any.
bool listen(asio::ip::tcp::acceptor& on, std::uint16_t port) {
    const asio::ip::tcp::endpoint where{asio::ip::address_v4::loopback(), port};
    boost::system::error_code refused;
    on.open(where.protocol(), refused);
    on.set_option(asio::socket_base::reuse_address{true}, refused);
    on.bind(where, refused);
    if (!refused) on.listen(1, refused);
    if (refused) on.close();
    return !refused;
}

http::endpoint loopback(std::uint16_t port) {
    return {"127.0.0.1", port, false};
}

std::string url(const http::endpoint& of) {
    return "http://" + of.authority();
}

void append(std::vector<std::string>& words, std::initializer_list<std::string> settings) {
    for (const auto& each : settings) {
        words.push_back("--set");
        words.push_back(each);
    }
}

}  // namespace

stage::stage(asio::any_io_executor executor, const options& chosen, std::string directory,
             asio::signal_set& signals, observer& seen)
    : executor_{executor},
      options_{chosen},
      directory_{std::move(directory)},
      seen_{seen},
      asked_to_end_{signals},
      names_{executor},
      client_{executor, names_, {}},
      writers_{executor, directory_},
      players_{executor},
      watchers_{executor},
      change_{executor} {
    broker_ = std::make_unique<kafka::mock_cluster>(1, topics());
}

stage::~stage() {
    [[maybe_unused]] const auto* left = broker_.release();
}

/// All of them are held until the last one is chosen, so no two are the same.
void stage::choose_ports() {
    std::vector<asio::ip::tcp::acceptor> held;
    const auto free_one = [&] {
        auto& next = held.emplace_back(executor_);
        if (!listen(next, 0)) throw std::runtime_error{"there is no free port on 127.0.0.1"};
        return loopback(next.local_endpoint().port());
    };
    asio::ip::tcp::acceptor page{executor_};
    const auto wished = options_.port ? options_.port : usual_port;
    if (listen(page, wished))
        page_ = loopback(wished);
    else if (options_.port)
        throw std::runtime_error{"port " + std::to_string(wished) + " of 127.0.0.1 is taken"};
    else
        page_ = free_one();
    etcd_client_ = free_one();
    etcd_peer_ = free_one();
    for (const auto& each : hosts()) {
        host_row row;
        row.name = each.name;
        row.address = each.address;
        row.status = free_one().authority();
        progress_.hosts.push_back(std::move(row));
    }
}

std::string stage::printed(const std::string& name) const {
    std::ifstream in{directory_ + "/" + name + ".log", std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void stage::start(std::string name, std::vector<std::string> words, const std::string& program) {
    auto& added = children_.emplace_back(std::make_unique<child>(executor_, name, directory_));
    added->process.start(std::move(words), program);
    watchers_.spawn(async::guarded(added->process.watch(), watcher_failure_, change_));
}

void stage::start_etcd() {
    const auto peer = url(etcd_peer_), client = url(etcd_client_);
    start("etcd",
          {"--name", "demo", "--data-dir", directory_ + "/etcd", "--listen-client-urls", client,
           "--advertise-client-urls", client, "--listen-peer-urls", peer,
           "--initial-advertise-peer-urls", peer, "--initial-cluster", "demo=" + peer},
          options_.etcd);
}

void stage::start_web() {
    std::vector<std::string> words{"web", "--listen", page_.authority(), "--etcd",
                                   etcd_client_.authority()};
    append(words, {"kafka_addr=" + broker_->addresses(), "state_dir=" + directory_ + "/web"});
    start("web", std::move(words));
}

void stage::start_agents() {
    for (const auto& row : progress_.hosts) {
        std::ofstream{directory_ + "/" + row.name + ".ini"}
            << "host = " << row.name << "\nips = " << row.address
            << "\netcd_addr = " << etcd_client_.authority()
            << "\netcd_watch_key = /logagent/%s/logconfig\nkafka_addr = " << broker_->addresses()
            << "\nstate_dir = " << directory_ << "/state-" << row.name
            << "\nstatus_addr = " << row.status << "\nallow_paths = " << directory_ << "\n";
        start("agent-" + row.name, {"agent", "-c", directory_ + "/" + row.name + ".ini"});
    }
}

place stage::where() const {
    return {directory_, url(page_), token_, broker_->addresses(), etcd_client_.authority()};
}

std::string stage::broken_child() const {
    for (const auto& one : children_) {
        if (one->process.own_end().empty()) continue;
        auto text = one->name + " " + one->process.own_end() + " by itself";
        if (const auto last = last_line(printed(one->name)); !last.empty()) text += ": " + last;
        return text;
    }
    return {};
}

bool stage::goes_on() const {
    return !failure_ && !watcher_failure_ && signals_ == 0 && !over_ && broken_child().empty();
}

asio::awaitable<void> stage::pause(clock::duration time) {
    asio::steady_timer timer{executor_, time};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<http::response> stage::ask(std::string method, std::string target,
                                           std::string body) {
    http::request what;
    what.method = std::move(method);
    what.target = "/api/v1" + target;
    what.fields = {{"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}};
    if (what.method == "PUT") what.fields.push_back({"If-None-Match", "*"});
    what.body = std::move(body);
    const auto deadline = clock::now() + 15s;
    auto answer = co_await client_.send(page_, std::move(what), deadline);
    if (!answer) throw std::runtime_error{"the pages: " + answer.error().text};
    co_return *std::move(answer);
}

asio::awaitable<void> stage::wait_for_pages() {
    const auto limit = clock::now() + start_patience;
    for (;;) {
        http::request what;
        what.target = "/readyz";
        const auto deadline = clock::now() + 2s;
        const auto answer = co_await client_.send(page_, std::move(what), deadline);
        if (token_.empty()) token_ = find_token(printed("web"));
        if (answer && answer->status == 200 && !token_.empty()) co_return;
        if (clock::now() > limit)
            throw std::runtime_error{"the pages are not there: " + last_line(printed("web"))};
        co_await pause(between_looks);
    }
}

/// A host is known once its agent has reported.
asio::awaitable<void> stage::wait_for_hosts() {
    const auto limit = clock::now() + start_patience;
    for (;;) {
        const auto answer = co_await ask("GET", "/hosts", {});
        const auto listed = base::parse_json(answer.body);
        const auto* object = listed ? listed->if_object() : nullptr;
        const auto* items = object ? object->if_contains("items") : nullptr;
        if (items && items->is_array() && items->get_array().size() >= hosts().size()) co_return;
        if (clock::now() > limit)
            throw std::runtime_error{"the agents do not report: " +
                                     last_line(printed(children_.back()->name))};
        co_await pause(between_looks);
    }
}

asio::awaitable<void> stage::label_hosts() {
    for (const auto& each : hosts()) {
        boost::json::object labels;
        labels["role"] = each.role;
        boost::json::object body;
        body["labels"] = std::move(labels);
        body["message"] = "the demo begins";
        std::string target = "/hosts/" + std::string{each.name} + "/labels";
        std::string text = boost::json::serialize(body);
        const auto answer = co_await ask("PATCH", std::move(target), std::move(text));
        if (answer.status >= 300)
            throw std::runtime_error{"labels of " + std::string{each.name} + ": " +
                                     last_line(answer.body)};
    }
}

asio::awaitable<void> stage::define_services() {
    for (auto& each : definitions(directory_)) {
        std::string target = "/services/" + each.name;
        std::string text = boost::json::serialize(each.document);
        const auto answer = co_await ask("PUT", std::move(target), std::move(text));
        if (answer.status >= 300)
            throw std::runtime_error{"the service " + each.name + ": " + last_line(answer.body)};
    }
}

asio::awaitable<void> stage::look_at(host_row& row) {
    const auto from = http::parse_endpoint(row.status, 0);
    http::request what;
    what.target = "/status?limit=100";
    const auto deadline = clock::now() + 2s;
    const auto answer = co_await client_.send(*from, std::move(what), deadline);
    row.up = answer && answer->status == 200 && read_status(answer->body, directory_, row);
}

asio::awaitable<void> stage::show() {
    asio::steady_timer timer{executor_};
    for (auto next = clock::now();; next += 1s) {
        for (auto& row : progress_.hosts)
            co_await look_at(row);
        progress_.at = std::chrono::floor<std::chrono::seconds>(clock::now() - began_);
        progress_.written = writers_.lines();
        if (!seen_.progressed(progress_)) over_ = true;
        change_.notify();
        timer.expires_at(next + 1s);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> stage::play() {
    seen_.waits_for("etcd and the pages");
    choose_ports();
    start_etcd();
    start_web();
    co_await wait_for_pages();
    seen_.waits_for("three agents");
    start_agents();
    co_await wait_for_hosts();
    co_await label_hosts();
    co_await define_services();
    ready_ = true;
    began_ = clock::now();
    const auto shown = where();
    seen_.ready(shown);
    players_.spawn(async::guarded(writers_.run(), failure_, change_));
    players_.spawn(async::guarded(show(), failure_, change_));
}

asio::awaitable<void> stage::read_signals() {
    for (;;) {
        co_await asked_to_end_.async_wait(asio::use_awaitable);
        ++signals_;
        change_.notify();
    }
}

asio::awaitable<void> stage::end_one(child& which) {
    const auto deadline = clock::now() + stop_patience;
    co_await which.process.stop(deadline);
}

/// The agents first, since they say goodbye to etcd.
asio::awaitable<void> stage::end_in_order() {
    async::task_group agents{executor_};
    constexpr std::size_t servers = 2;
    for (std::size_t i = servers; i < children_.size(); ++i)
        agents.spawn(end_one(*children_[i]));
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await agents.join();
    for (std::size_t i = std::min(servers, children_.size()); i-- > 0;)
        co_await end_one(*children_[i]);
    ended_ = true;
    change_.notify();
}

/// In good order; after one more signal whatever is left is killed by our destructor.
asio::awaitable<void> stage::end() {
    const auto asked = signals_;
    async::task_group ending{executor_};
    ending.spawn(async::guarded(end_in_order(), failure_, change_));
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!ended_ && !failure_ && signals_ <= asked)
        co_await change_.wait();
    ending.stop();
    co_await ending.join();
}

asio::awaitable<void> stage::run(result& out) {
    began_ = clock::now();
    watchers_.spawn(async::guarded(read_signals(), watcher_failure_, change_));
    players_.spawn(async::guarded(play(), failure_, change_));
    co_await asio::this_coro::throw_if_cancelled(false);
    while (goes_on()) {
        const bool limited = ready_ && options_.length.count() > 0;
        if (limited && clock::now() >= began_ + options_.length) break;
        const auto look = clock::now() + between_looks;
        co_await change_.wait_until(look);
    }
    out.failure = broken_child();
    players_.stop();
    co_await players_.join();
    seen_.ends();
    const auto failure = std::exchange(failure_, nullptr);
    if (ready_ && signals_ <= 1)
        for (auto& row : progress_.hosts)
            co_await look_at(row);
    co_await end();
    watchers_.stop();
    co_await watchers_.join();
    progress_.written = writers_.lines();
    out.last = progress_;
    out.interrupted = signals_ > 0;
    out.ready = ready_;
    if (failure) out.failure = base::describe(failure);
    if (watcher_failure_) out.failure = base::describe(watcher_failure_);
}

}  // namespace logagent::demo

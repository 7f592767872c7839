#include "selftest/torture.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <numeric>
#include <utility>

#include "logagent/async/guarded.hpp"
#include "logagent/base/error.hpp"
#include "logagent/os/clock.hpp"

namespace logagent::selftest {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int partitions = 3;
// The embedded broker keeps about 5 MB of a partition, and all files may lie in one: this many
// bytes, keys and copies that come twice included, are under way at most.
constexpr std::uint64_t most_under_way = 2'000'000;
constexpr std::uint64_t key_bytes = 250;
constexpr auto topic_patience = 30s;
constexpr auto extra_time = 60s;  // for what has not happened once when the time is over
constexpr auto patience = 30s;    // without one more line, then the rest is lost
constexpr auto agent_patience = 20s;

std::string topic_name(const std::string& run) {
    return "logagent-selftest-" + run;
}

}  // namespace

torture::torture(asio::any_io_executor executor, const options& chosen, std::string directory,
                 std::string run, observer& seen)
    : executor_{executor},
      options_{chosen},
      directory_{std::move(directory)},
      topic_{topic_name(run)},
      seen_{seen},
      ledger_{run, rotation_kinds},
      random_{static_cast<std::uint32_t>(std::hash<std::string>{}(run))},
      names_{executor},
      agent_{executor, directory_ + "/agent.log"},
      asked_to_end_{executor, SIGINT, SIGTERM},
      change_{executor} {
    kafka::settings settings = options_.kafka;
    if (settings.brokers.empty()) {
        const kafka::mock_cluster::topic topic{topic_, partitions};
        broker_ = std::make_unique<kafka::mock_cluster>(1, std::span{&topic, 1});
        settings = kafka::read_settings(broker_->addresses(), {}).value;
    }
    auto look_up = [this](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        const auto deadline = clock::now() + 5s;
        auto answer = co_await names_.resolve(std::move(host), deadline);
        co_return std::move(answer.addresses);
    };
    reader_ = kafka::create_topic_reader(executor_, std::move(settings), std::move(look_up));
    make_writers();
}

torture::~torture() {
    [[maybe_unused]] const auto* left = broker_.release();
}

std::string torture::brokers() const {
    return broker_ ? broker_->addresses() : options_.kafka.brokers;
}

void torture::make_writers() {
    static constexpr std::array files{"rename.log", "rename-late.log", "copytruncate.log",
                                      "delete.log"};
    for (std::uint32_t number = 0; number < rotation_kinds; ++number) {
        permissions may;
        may.write = [this] {
            const auto under_way = ledger_.missing_bytes() + ledger_.missing() * key_bytes;
            return !broker_ || under_way < most_under_way;
        };
        may.remove = [this, number] { return may_remove(number); };
        may.removed = [this, number](std::uint32_t life) { removed(number, life); };
        writers_.push_back(std::make_unique<log_writer>(
            executor_, ledger_, number, static_cast<rotation>(number),
            directory_ + "/logs/" + files[number], std::move(may), random_()));
    }
}

std::vector<std::string> torture::agent_words() const {
    std::vector<std::string> words{"agent", "--topic",   topic_,    "--start",
                                   "start", "--service", "selftest"};
    for (const auto& writer : writers_) {
        words.push_back("--file");
        words.push_back(writer->path());
    }
    // The later one wins, so nobody's setting sends the lines elsewhere.
    std::vector<std::string> settings{"status_addr=off"};
    settings.insert(settings.end(), options_.agent_settings.begin(), options_.agent_settings.end());
    settings.push_back("state_dir=" + directory_ + "/state");
    settings.push_back("kafka_addr=" + brokers());
    for (auto& setting : settings) {
        words.push_back("--set");
        words.push_back(std::move(setting));
    }
    return words;
}

asio::awaitable<void> torture::pause(clock::duration time) {
    asio::steady_timer timer{executor_, time};
    co_await timer.async_wait(asio::use_awaitable);
}

void torture::took(const kafka::stored_record& record) {
    const auto partition = static_cast<std::size_t>(record.partition);
    if (offsets_.size() <= partition) offsets_.resize(partition + 1);
    if (record.offset > offsets_[partition])
        gaps_ += static_cast<std::uint64_t>(record.offset - offsets_[partition]);
    offsets_[partition] = record.offset + 1;

    // The stamp is of the agent's clock, which is ours.
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), record.timestamp_ms);
    const auto agent =
        static_cast<std::uint32_t>(std::max<std::ptrdiff_t>(next - starts_.begin(), 1));
    ledger_.took(record.key, record.value, agent);
    if (agent <= heard_of_) return;
    heard_of_ = agent;
    if (kills_ == 0) return;
    const auto away = clock::now() - killed_at_;
    slowest_return_ =
        std::max(slowest_return_, std::chrono::round<std::chrono::milliseconds>(away));
}

void torture::start_agent() {
    agent_.start(agent_words());
    starts_.push_back(os::wall_ms());
}

/// A deleted file is read to its end by an agent that has it open, and by no other. So the agent
/// must have it open, and nobody may kill it until the file has arrived.
bool torture::may_remove(std::uint32_t writer) const {
    return !kill_is_due_ && agent_.running() &&
           ledger_.reached(writer, static_cast<std::uint32_t>(starts_.size()));
}

void torture::removed(std::uint32_t writer, std::uint32_t life) {
    removed_.emplace_back(writer, life);
}

bool torture::removed_ones_are_read() {
    std::erase_if(removed_,
                  [this](const auto& one) { return ledger_.complete(one.first, one.second); });
    return removed_.empty();
}

asio::awaitable<void> torture::kills() {
    for (;;) {
        const auto time = std::chrono::milliseconds{kills_ == 0 ? 1500 : 2500 + random_() % 2000};
        co_await pause(time);
        kill_is_due_ = true;
        // An agent that was not heard of has nothing under way that could be repeated or lost.
        while (!agent_was_heard() || !removed_ones_are_read())
            co_await pause(20ms);
        co_await agent_.kill();
        ++kills_;
        killed_at_ = clock::now();
        const auto away = std::chrono::milliseconds{random_() % 1000};
        co_await pause(away);
        start_agent();
        kill_is_due_ = false;
    }
}

asio::awaitable<void> torture::outages() {
    for (;;) {
        const auto time = std::chrono::milliseconds{outages_ == 0 ? 3000 : 5000 + random_() % 3000};
        co_await pause(time);
        broker_->set_down(1);
        broker_up_ = false;
        ledger_.outage();
        const auto away = std::chrono::milliseconds{500 + random_() % 1500};
        co_await pause(away);
        broker_->set_up(1);
        broker_up_ = true;
        ++outages_;
    }
}

progress torture::now() const {
    progress out;
    out.at = std::chrono::round<std::chrono::seconds>(clock::now() - began_);
    out.sum = ledger_.sum();
    out.missing = ledger_.missing();
    for (const auto& writer : writers_)
        out.rotations += writer->rotations();
    out.kills = kills_;
    out.outages = outages_;
    out.agent_up = agent_.running();
    out.broker_up = broker_up_;
    out.draining = draining_;
    return out;
}

asio::awaitable<void> torture::report() {
    asio::steady_timer timer{executor_};
    for (auto next = began_ + 1s;; next += 1s) {
        timer.expires_at(next);
        co_await timer.async_wait(asio::use_awaitable);
        seen_.progressed(now());
    }
}

asio::awaitable<void> torture::read_signals() {
    for (;;) {
        co_await asked_to_end_.async_wait(asio::use_awaitable);
        ++signals_;
        change_.notify();
    }
}

bool torture::all_happened() const {
    const auto rotated = [](const auto& writer) { return writer->rotations() > 0; };
    return kills_ > 0 && agent_was_heard() && (!broker_ || outages_ > 0) &&
           std::all_of(writers_.begin(), writers_.end(), rotated);
}

asio::awaitable<void> torture::prepare() {
    int count = partitions;
    if (!broker_) {
        const auto deadline = clock::now() + topic_patience;
        const auto made = co_await reader_->prepare(topic_, partitions, deadline);
        if (made.partitions == 0)
            throw std::runtime_error{"the topic " + topic_ + " cannot be made: " + made.text};
        topic_exists_ = true;
        count = made.partitions;
    }
    reader_->read(topic_, count);
    start_agent();
}

asio::awaitable<void> torture::let_everything_happen() {
    const auto end = began_ + options_.length;
    while (!broken() && !failure_ && signals_ == 0) {
        const auto time = clock::now();
        if (time >= end + extra_time || (time >= end && all_happened())) break;
        const auto look = std::min(time < end ? end : time + 100ms, time + 200ms);
        co_await change_.wait_until(look);
    }
}

asio::awaitable<void> torture::play() {
    async::task_group players{executor_};
    for (auto& writer : writers_)
        players.spawn(async::guarded(writer->run(), failure_, change_));
    players.spawn(async::guarded(kills(), failure_, change_));
    if (broker_) players.spawn(async::guarded(outages(), failure_, change_));
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await let_everything_happen();
    players.stop();
    co_await players.join();
}

/// Waits for what is under way, with everything up again.
asio::awaitable<void> torture::drain() {
    draining_ = true;
    for (auto& writer : writers_)
        writer->finish();
    if (!broker_up_) broker_->set_up(1);
    broker_up_ = true;
    if (!agent_.running() && agent_.own_end().empty()) start_agent();
    auto missing = ledger_.missing();
    auto deadline = clock::now() + patience;
    while (ledger_.missing() > 0 && !broken() && signals_ < 2 && clock::now() < deadline) {
        const auto look = clock::now() + 50ms;
        co_await change_.wait_until(look);
        if (std::exchange(missing, ledger_.missing()) != missing)
            deadline = clock::now() + patience;
    }
}

asio::awaitable<void> torture::end_agent() {
    const auto deadline = clock::now() + agent_patience;
    ended_in_time_ = co_await agent_.stop(deadline);
}

asio::awaitable<void> torture::remove_topic() {
    if (!topic_exists_) co_return;
    const auto deadline = clock::now() + 10s;
    const auto code = co_await reader_->remove(topic_, deadline);
    topic_exists_ = code != kafka::error::none;
}

void torture::complete(result& out) const {
    out.verdict = ledger_.judge();
    for (std::size_t number = 0; number < writers_.size(); ++number)
        out.rotations[number] = writers_[number]->rotations();
    out.kills = kills_;
    out.outages = outages_;
    out.slowest_return = slowest_return_;
    out.embedded = broker_ != nullptr;
    out.interrupted = signals_ > 0;
    if (!agent_.own_end().empty()) out.failure = "the agent " + agent_.own_end() + " by itself";
    if (!ended_in_time_) out.notes.push_back("the agent did not end after SIGTERM, and was killed");
    if (out.verdict.sum.lost > 0 && signals_ > 1)
        out.notes.push_back("not waited for what was under way; it counts as lost");
    if (gaps_ > 0)
        out.notes.push_back(std::to_string(gaps_) +
                            " records were gone from Kafka before they could be read");
    if (topic_exists_) out.notes.push_back("the topic " + topic_ + " could not be deleted");
    if (out.verdict.sum.lost > 0 && !reader_->trouble().empty())
        out.notes.push_back("Kafka, last: " + reader_->trouble());
}

asio::awaitable<void> torture::run(result& out) {
    began_ = clock::now();
    seen_.began(directory_, brokers());
    async::task_group services{executor_};
    auto receiver = [this](const kafka::stored_record& record) { took(record); };
    services.spawn(async::guarded(reader_->run(std::move(receiver)), service_failure_, change_));
    services.spawn(async::guarded(agent_.watch(), service_failure_, change_));
    services.spawn(async::guarded(read_signals(), service_failure_, change_));
    std::string failure;
    try {
        co_await prepare();
        began_ = clock::now();
        services.spawn(async::guarded(report(), service_failure_, change_));
        co_await play();
        if (!broken()) co_await drain();
        co_await end_agent();
        seen_.progressed(now());
    } catch (const std::exception& thrown) {
        failure = thrown.what();
    }
    try {
        co_await remove_topic();
    } catch (const std::exception& thrown) {
        if (failure.empty()) failure = thrown.what();
    }
    complete(out);
    if (failure_) failure = base::describe(failure_);
    if (service_failure_) failure = base::describe(service_failure_);
    if (!failure.empty()) out.failure = failure;
    services.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await services.join();
}

}  // namespace logagent::selftest

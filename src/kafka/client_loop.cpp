#include "client_loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>
#include <utility>

namespace logagent::kafka {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto slice = 5ms;  // of the loop for events, then the others have a turn
constexpr auto safety = 1s;  // a lost write to the eventfd must not stop us

int make_eventfd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        throw boost::system::system_error{errno, boost::system::system_category(),
                                          "eventfd for librdkafka"};
    return fd;
}

}  // namespace

void set_property(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
    std::array<char, 512> why{};
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK)
        throw std::runtime_error{"kafka." + name + ": " + why.data()};
}

client_loop::client_loop(asio::any_io_executor executor, name_lookup look_up)
    : executor_{executor},
      notices_{executor},
      names_{std::move(look_up), notices_},
      wakes_{executor, make_eventfd()},
      work_{executor} {}

conf_ptr client_loop::configure(const settings& settings, int events) {
    conf_ptr conf{rd_kafka_conf_new()};
    for (const auto& [name, value] : settings.properties)
        set_property(conf.get(), name, value);
    set_property(conf.get(), "bootstrap.servers", settings.brokers);
    rd_kafka_conf_set_opaque(conf.get(), &names_);
    // The log comes as events; what is said before there is a queue would go to standard error.
    rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
    rd_kafka_conf_set_events(conf.get(), events | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rd_kafka_conf_set_resolve_cb(
        conf.get(), [](const char* node, const char* service, const addrinfo* hints,
                       addrinfo** result, void* opaque) {
            if (node)
                return static_cast<name_cache*>(opaque)->resolve(node, service, hints, result);
            name_cache::release(*result);
            return 0;
        });
    return conf;
}

void client_loop::wake_by(rd_kafka_queue_t* queue) {
    const std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, wakes_.native_handle(), &one, sizeof one);
}

void client_loop::silence(rd_kafka_queue_t* queue) {
    rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
}

asio::awaitable<void> client_loop::run(std::string brokers, server serve,
                                       std::function<void(std::string)> complain) {
    async::task_group tasks{executor_};
    tasks.spawn(read_wakes());
    tasks.spawn(notices_.read([&](char kind, std::string_view text) {
        if (kind == name_cache::notice) tasks.spawn(refresh(std::string{text}, complain));
    }));
    for (auto& host : broker_hosts(brokers))
        tasks.spawn(refresh(std::move(host), complain));

    std::exception_ptr ended;
    try {
        co_await serve_all(tasks, serve);
    } catch (...) {
        ended = std::current_exception();
    }
    tasks.stop();
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto failure = co_await tasks.join();
    std::rethrow_exception(failure ? failure : ended);
}

asio::awaitable<void> client_loop::serve_all(async::task_group& tasks, const server& serve) {
    while (!tasks.empty()) {
        const auto now = clock::now();
        if (serve(now + slice)) {
            co_await asio::post(executor_, asio::use_awaitable);
        } else {
            const auto deadline = now + safety;
            co_await work_.wait_until(deadline);
        }
    }
    throw std::runtime_error{"a task of the Kafka client ended"};
}

asio::awaitable<void> client_loop::read_wakes() {
    for (;;) {
        co_await wakes_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        std::uint64_t count = 0;
        [[maybe_unused]] const auto size = ::read(wakes_.native_handle(), &count, sizeof count);
        work_.notify();
    }
}

asio::awaitable<void> client_loop::refresh(std::string host,
                                           const std::function<void(std::string)>& complain) {
    std::string trouble;
    try {
        co_await names_.refresh(host);
    } catch (const boost::system::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted) throw;  // a stop
        trouble = failure.what();
    } catch (const std::exception& failure) {
        trouble = failure.what();
    }
    if (!trouble.empty()) complain("name look-up of " + host + ": " + trouble);
}

}  // namespace logagent::kafka

#include "cli/topic_question.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/kafka/live_producer.hpp"

namespace logagent::cli {

namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

kafka::name_lookup lookup_through(dns::resolver& names, clock::time_point deadline) {
    return [&names, deadline](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        auto answer = co_await names.resolve(std::move(host), deadline);
        co_return std::move(answer.addresses);
    };
}

asio::awaitable<void> ask(kafka::live_producer& client, std::vector<std::string> topics,
                          clock::time_point deadline, async::task_group& others,
                          std::vector<kafka::topic_description>& out) {
    out = co_await client.describe(std::move(topics), deadline);
    others.stop();
}

asio::awaitable<void> wait_for_all(async::task_group& tasks, std::exception_ptr& failure) {
    failure = co_await tasks.join();
}

bool unanswered(const kafka::topic_description& topic) {
    return topic.code == kafka::error::timed_out || topic.code == kafka::error::transport ||
           topic.code == kafka::error::all_brokers_down;
}

}  // namespace

topic_answers ask_about_topics(const kafka::settings& settings, std::vector<std::string> topics,
                               clock::duration patience) {
    const auto deadline = clock::now() + patience;
    asio::io_context loop{1};
    dns::resolver names{loop.get_executor()};
    kafka::producer_options options;
    options.idempotent = false;
    options.look_up = lookup_through(names, deadline);
    std::string last_log;
    options.log = [&](int, std::string_view, std::string_view text) { last_log = text; };

    topic_answers out;
    std::exception_ptr failure;
    std::string down;
    {
        const auto client = kafka::create_producer(loop.get_executor(), settings, options);
        async::task_group tasks{loop.get_executor()};
        tasks.spawn(client->run());
        tasks.spawn(ask(*client, std::move(topics), deadline, tasks, out.topics));
        asio::co_spawn(loop, wait_for_all(tasks, failure), [](std::exception_ptr) {});
        loop.run();
        if (const auto state = client->state(); !state.up) down = state.text;
    }
    if (failure) std::rethrow_exception(failure);
    if (!out.topics.empty() && std::all_of(out.topics.begin(), out.topics.end(), unanswered)) {
        out.topics.clear();
        out.failure = !down.empty() ? down : !last_log.empty() ? last_log : "no answer";
    }
    return out;
}

}  // namespace logagent::cli

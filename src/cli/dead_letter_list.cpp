#include "cli/dead_letter_list.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/kafka/topic_reader.hpp"

namespace logagent::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto patience = 15s;
constexpr std::size_t most_letters = 10'000;

struct letters {
    text_table table{{{"TIME"},
                      {"ROUTE"},
                      {"SOURCE"},
                      {"REASON"},
                      {"STATUS", true},
                      {"ATTEMPTS", true},
                      {"BYTES", true},
                      {"TEXT"}}};
    std::size_t count = 0;

    void add(const kafka::stored_record& record) {
        if (++count > most_letters) return;
        const auto header = [&](std::string_view name) {
            for (const auto& [title, value] : record.headers)
                if (title == name) return base::visible(value, 120);
            return std::string{"-"};
        };
        table.add({header("logagent.time"), header("logagent.route"), header("logagent.source"),
                   header("logagent.reason"), header("logagent.status"),
                   header("logagent.attempts"), std::to_string(record.value.size()),
                   header("logagent.text")});
    }
};

/// Reads the topic to its end; returns why not, or an empty text.
asio::awaitable<std::string> read_to_end(kafka::topic_reader& reader, kafka::admin& cluster,
                                         std::string topic) {
    const auto deadline = clock::now() + patience;
    std::vector<std::string> names{topic};
    const auto found = co_await cluster.describe(std::move(names), deadline);
    if (found[0].code == kafka::error::unknown_topic_or_partition) co_return std::string{};
    if (found[0].code != kafka::error::none) co_return kafka::text(found[0].code);
    reader.read(topic, static_cast<int>(found[0].partitions.size()));
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    while (!reader.at_end() && clock::now() < deadline) {
        timer.expires_after(50ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_return reader.at_end() ? std::string{} : "its end was not reached: " + reader.trouble();
}

asio::awaitable<void> read_and_stop(kafka::topic_reader& reader, kafka::admin& cluster,
                                    std::string topic, async::task_group& others,
                                    std::string& why) {
    why = co_await read_to_end(reader, cluster, std::move(topic));
    others.stop();
}

asio::awaitable<void> wait_for_all(async::task_group& tasks, std::exception_ptr& failure) {
    failure = co_await tasks.join();
}

}  // namespace

int list_dead_letters(const kafka::settings& settings, const std::string& topic, std::ostream& out,
                      std::ostream& err) {
    asio::io_context loop{1};
    dns::resolver names{loop.get_executor()};
    kafka::name_lookup look_up =
        [&names](std::string host) -> asio::awaitable<std::vector<asio::ip::address>> {
        const auto deadline = clock::now() + 5s;
        auto found = co_await names.resolve(std::move(host), deadline);
        co_return std::move(found.addresses);
    };
    kafka::producer_options asking;
    asking.idempotent = false;
    asking.look_up = look_up;
    letters found;
    std::string why;
    std::exception_ptr failure;
    {
        const auto client = kafka::create_producer(loop.get_executor(), settings, asking);
        const auto reader = kafka::create_topic_reader(loop.get_executor(), settings, look_up);
        async::task_group tasks{loop.get_executor()};
        tasks.spawn(client->run());
        tasks.spawn(reader->run([&](const kafka::stored_record& one) { found.add(one); }));
        tasks.spawn(read_and_stop(*reader, *client, topic + ".dead", tasks, why));
        asio::co_spawn(loop, wait_for_all(tasks, failure), [](std::exception_ptr) {});
        loop.run();
    }
    if (failure) std::rethrow_exception(failure);
    if (!why.empty()) {
        err << "logagent transfer: topic " << topic << ".dead: " << why << '\n';
        return 1;
    }
    if (found.count == 0)
        out << "topic " << topic << " has no dead letters\n";
    else
        out << found.table.render();
    if (found.count > most_letters) out << "... and " << found.count - most_letters << " more\n";
    return 0;
}

}  // namespace logagent::cli

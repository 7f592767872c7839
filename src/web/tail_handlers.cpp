#include <boost/asio/this_coro.hpp>
#include <boost/json/object.hpp>

#include "handlers.hpp"
#include "live_stream.hpp"
#include "problem.hpp"
#include "tail_desk.hpp"
#include "tail_start.hpp"

// Lines as they arrive.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

asio::awaitable<std::unique_ptr<tail_feed>> start_tail(parts& with, exchange& one) {
    auto query = read_tail_query(one.request);
    one.target = !query.service.empty() ? query.service
                 : !query.host.empty()  ? query.host
                                        : query.path;
    // Before anything is shown: whoever looks at lines leaves a record of it.
    change looked;
    looked.audit["action"] = "tail.start";
    for (const auto name : {"service", "host", "path", "q", "re"})
        if (const auto given = one.request.query(name)) looked.audit[name] = *given;
    auto feed = with.tails.open(std::move(query), one.who);
    co_await with.store.commit(one, std::move(looked));
    co_return feed;
}

answering follow_lines(parts& with, exchange& one) {
    auto place = std::make_unique<live_hub::place>(with.live, one.who.token_id);
    auto feed = co_await start_tail(with, one);
    const auto executor = co_await asio::this_coro::executor;
    auto stream =
        std::make_shared<live_stream>(executor, std::move(place), still_allowed(with, one));
    stream->add(std::move(feed));
    co_return http::stream_of(std::move(stream));
}

}  // namespace logagent::web

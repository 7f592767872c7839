#include "logagent/http/client.hpp"

#include <map>
#include <vector>

#include "http/session.hpp"
#include "http/tls.hpp"
#include "http/transport.hpp"
#include "logagent/http/upload.hpp"

namespace logagent::http {

namespace asio = boost::asio;
using asio::ip::tcp;

stream::stream(std::unique_ptr<session> connection) : session_{std::move(connection)} {}
stream::~stream() = default;

const response& stream::head() const {
    return session_->head();
}
const std::string& stream::address() const {
    return session_->address();
}
void stream::close() {
    session_->close();
}

asio::awaitable<result<std::size_t>> stream::read_some(
    std::span<char> into, std::chrono::steady_clock::time_point deadline) {
    return session_->read_some(into, deadline);
}

namespace {

// Whoever has more requests on their way at one server connects for the others.
constexpr std::size_t kept_for_one_server = 16;

}  // namespace

/// Makes connections and keeps the unused ones for a while.
class connector {
public:
    using clock = client::clock;

    connector(asio::any_io_executor executor, dns::resolver& names, client_options options)
        : options_{std::move(options)},
          executor_{std::move(executor)},
          names_{names},
          tls_{options_.tls} {}

    /// A session in which the head of the answer is there.
    asio::awaitable<result<std::unique_ptr<session>>> exchange(endpoint to, request what,
                                                               clock::time_point deadline,
                                                               body_slices body = {}) {
        auto connection = take_idle(to);
        if (!connection) {
            auto connect_deadline = deadline;
            if (options_.connect_timeout.count() > 0)
                connect_deadline = std::min(deadline, clock::now() + options_.connect_timeout);
            auto made = co_await connect(to, connect_deadline);
            if (!made) co_return made.error();
            connection = std::move(*made);
        }
        std::string name = name_of(to, connection->peer());
        std::string host_field = to.authority();
        auto opened = std::make_unique<session>(std::move(connection), std::move(name));
        const auto failure =
            co_await opened->exchange(std::move(what), std::move(host_field), deadline, body);
        if (failure) co_return *failure;
        co_return std::move(opened);
    }

    void keep(const endpoint& to, session& used) {
        if (options_.keep_idle.count() == 0) return;
        auto connection = used.take_connection();
        if (!connection) return;
        auto& kept = idle_[to];
        if (kept.size() >= kept_for_one_server) kept.erase(kept.begin());
        kept.push_back({std::move(connection), clock::now() + options_.keep_idle});
    }

    const client_options& options() const { return options_; }

    /// Reads the body behind the head and keeps the connection.
    asio::awaitable<result<response>> whole_answer(endpoint to, session& answer,
                                                   clock::time_point deadline) {
        response whole = answer.head();
        const std::size_t limit = options_.body_limit;
        std::vector<char> piece(16 << 10);
        for (;;) {
            auto size = co_await answer.read_some(piece, deadline);
            if (!size) co_return size.error();
            if (*size == 0) break;
            if (whole.body.size() + *size > limit)
                co_return error{error::cause::too_large, to.authority() +
                                                             ": the answer is longer than " +
                                                             std::to_string(limit) + " bytes"};
            whole.body.append(piece.data(), *size);
        }
        keep(to, answer);
        co_return whole;
    }

private:
    struct idle_connection {
        std::unique_ptr<transport> connection;
        clock::time_point until;
    };

    static std::string name_of(const endpoint& to, const tcp::endpoint& address) {
        const std::string numeric = text_of(address);
        const std::string name = to.authority();
        return name == numeric ? name : name + " (" + numeric + ")";
    }

    std::unique_ptr<transport> take_idle(const endpoint& to) {
        const auto found = idle_.find(to);
        if (found == idle_.end()) return nullptr;
        auto& kept = found->second;
        while (!kept.empty()) {
            // The one that was used last is the least likely to be closed.
            idle_connection newest = std::move(kept.back());
            kept.pop_back();
            if (clock::now() < newest.until && newest.connection->quiet())
                return std::move(newest.connection);
        }
        idle_.erase(found);
        return nullptr;
    }

    asio::awaitable<result<std::unique_ptr<transport>>> connect(endpoint to,
                                                                clock::time_point deadline) {
        auto known = co_await names_.resolve(to.host, deadline);
        if (known.addresses.empty())
            co_return error{error::cause::name, to.authority() + ": " + known.failure};
        error last{error::cause::timeout, to.authority() + ": no time left to connect"};
        std::size_t left = known.addresses.size();
        for (const auto& address : known.addresses) {
            // An address that swallows packets must leave time for the next one.
            auto until = deadline;
            if (deadline != clock::time_point::max()) {
                const auto now = clock::now();
                until = now + (deadline - now) / static_cast<int>(left--);
            }
            const tcp::endpoint place{address, to.port};
            auto made = co_await connect_to(to, place, until);
            if (made) co_return std::move(*made);
            last = made.error();
        }
        co_return last;
    }

    asio::awaitable<result<std::unique_ptr<transport>>> connect_to(endpoint to,
                                                                   tcp::endpoint address,
                                                                   clock::time_point deadline) {
        auto made = std::make_unique<transport>(executor_);
        const std::string name = name_of(to, address);
        const auto connected = co_await made->connect(address, deadline);
        if (connected.failure) {
            const std::string why =
                connected.timed_out ? "no connection in time" : connected.failure.message();
            co_return error{error::cause::connect, name + ": " + why};
        }
        if (to.tls) {
            auto context = tls_.context();
            if (!context) co_return context.error();
            const auto secured = co_await made->start_tls(*context, to.host, deadline);
            if (secured.failure) {
                const std::string reason = made->tls_reason();
                std::string why =
                    secured.timed_out ? "no TLS handshake in time" : secured.failure.message();
                if (!reason.empty()) why += ": " + reason;
                co_return error{error::cause::tls, name + ": " + why};
            }
        }
        co_return std::move(made);
    }

    client_options options_;
    asio::any_io_executor executor_;
    dns::resolver& names_;
    tls_setup tls_;
    std::map<endpoint, std::vector<idle_connection>> idle_;  // oldest first
};

class client::connections final : public connector {
public:
    using connector::connector;
};

client::client(asio::any_io_executor executor, dns::resolver& names, client_options options)
    : connections_{std::make_unique<connections>(std::move(executor), names, std::move(options))} {}

client::~client() = default;

asio::awaitable<result<response>> client::send(endpoint to, request what,
                                               clock::time_point deadline) {
    auto opened = co_await connections_->exchange(to, std::move(what), deadline);
    if (!opened) co_return opened.error();
    co_return co_await connections_->whole_answer(std::move(to), **opened, deadline);
}

asio::awaitable<result<std::unique_ptr<stream>>> client::open(endpoint to, request what,
                                                              clock::time_point deadline) {
    auto opened = co_await connections_->exchange(std::move(to), std::move(what), deadline);
    if (!opened) co_return opened.error();
    co_return std::make_unique<stream>(std::move(*opened));
}

uploader::uploader(asio::any_io_executor executor, dns::resolver& names, client_options options)
    : connector_{std::make_unique<connector>(std::move(executor), names, std::move(options))} {}

uploader::~uploader() = default;

asio::awaitable<result<response>> uploader::send(endpoint to, request what, body_slices body,
                                                 client::clock::time_point deadline) {
    auto opened = co_await connector_->exchange(to, std::move(what), deadline, std::move(body));
    if (!opened) co_return opened.error();
    co_return co_await connector_->whole_answer(std::move(to), **opened, deadline);
}

}  // namespace logagent::http

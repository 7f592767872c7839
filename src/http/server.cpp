#include "logagent/http/server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <random>

#include "http/connection.hpp"
#include "logagent/async/task_group.hpp"
#include "logagent/http/client.hpp"

namespace logagent::http {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// A descriptor kept back, so that a connection can be taken and closed when there are none left:
/// otherwise it stays in the queue and wakes the loop for ever.
class spare_descriptor {
public:
    spare_descriptor() { open(); }
    ~spare_descriptor() { close(); }
    spare_descriptor(const spare_descriptor&) = delete;
    spare_descriptor& operator=(const spare_descriptor&) = delete;

    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void open() {
        if (fd_ < 0) fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }

private:
    int fd_ = -1;
};

}  // namespace

class server::state {
public:
    state(asio::any_io_executor executor, server_options options, std::vector<route> routes)
        : executor_{executor}, acceptor_{executor}, pause_{executor} {
        shared_.options = std::move(options);
        shared_.routes = std::move(routes);
    }

    std::string prepare_tls() {
        const auto& files = shared_.options.tls;
        if (!files.on()) return {};
        shared_.identity.emplace(files);
        return shared_.identity->read();
    }

    certificate_reload reload_tls(bool at_once) {
        certificate_reload out;
        if (!shared_.identity || !(at_once || shared_.identity->replaced())) return out;
        out.tried = true;
        out.failure = shared_.identity->read();
        return out;
    }

    std::optional<certificate_view> certificate() const {
        if (!shared_.identity) return std::nullopt;
        return shared_.identity->certificate();
    }

    std::string listen() {
        const auto& text = shared_.options.listen;
        const auto endpoint = endpoint_of(text);
        if (!endpoint) return "cannot listen on '" + text + "': it is not ADDRESS:PORT";
        boost::system::error_code failed;
        acceptor_.open(endpoint->protocol(), failed);
        if (!failed) ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
        if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address{true}, failed);
        if (!failed && endpoint->address().is_v6())
            acceptor_.set_option(asio::ip::v6_only{false}, failed);
        if (!failed) acceptor_.bind(*endpoint, failed);
        if (!failed) acceptor_.listen(128, failed);
        if (failed) {
            boost::system::error_code ignored;
            acceptor_.close(ignored);
            return "cannot listen on " + text + ": " + failed.message();
        }
        const auto address = endpoint->address();
        shared_.loopback = address.is_loopback();
        shared_.bound_host =
            address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
        return {};
    }

    tcp::endpoint local_endpoint() const {
        boost::system::error_code ignored;
        return acceptor_.local_endpoint(ignored);
    }

    asio::awaitable<void> run() {
        async::task_group tasks{executor_};
        std::exception_ptr ended;
        try {
            co_await accept(tasks);
        } catch (...) {
            ended = std::current_exception();
        }
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        tasks.stop();
        // A stopped coroutine may not even begin another one.
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await tasks.join();
        if (ended) std::rethrow_exception(ended);
    }

    const server_counters& counters() const { return shared_.counters; }

private:
    static std::optional<tcp::endpoint> endpoint_of(const std::string& text) {
        const auto colon = text.rfind(':');
        if (colon == std::string::npos) return std::nullopt;
        std::string host = text.substr(0, colon);
        const std::string port = text.substr(colon + 1);
        if (host == "localhost") host = "127.0.0.1";
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        const bool digits = !port.empty() && port.size() <= 5 &&
                            port.find_first_not_of("0123456789") == std::string::npos;
        boost::system::error_code bad;
        const auto address = asio::ip::make_address(host, bad);
        if (bad || !digits || std::stoul(port) > 65535) return std::nullopt;
        return tcp::endpoint{address, static_cast<std::uint16_t>(std::stoul(port))};
    }

    asio::awaitable<void> accept(async::task_group& tasks) {
        for (;;) {
            tcp::socket accepted{executor_};
            boost::system::error_code failed;
            co_await acceptor_.async_accept(accepted,
                                            asio::redirect_error(asio::use_awaitable, failed));
            if (failed) {
                const auto stop = co_await asio::this_coro::cancellation_state;
                if (stop.cancelled() != asio::cancellation_type::none)
                    throw boost::system::system_error{asio::error::operation_aborted};
                co_await recover(failed);
            } else if (may_stay(accepted)) {
                auto one = std::make_unique<guest>(*this, std::move(accepted));
                tasks.spawn(serve(std::move(one)));
            }
        }
    }

    /// After a failed accept: a pause, so that running out of descriptors does not spin the loop.
    asio::awaitable<void> recover(boost::system::error_code failed) {
        ++shared_.counters.accept_failures;
        if (shared_.options.report)
            shared_.options.report("cannot accept a connection on " + shared_.options.listen +
                                   ": " + failed.message());
        if (failed == asio::error::no_descriptors) {
            spare_.close();
            const int waiting = ::accept(acceptor_.native_handle(), nullptr, nullptr);
            if (waiting >= 0) ::close(waiting);
            spare_.open();
        }
        std::uniform_int_distribution<int> milliseconds{100, 200};
        pause_.expires_after(std::chrono::milliseconds{milliseconds(random_)});
        co_await pause_.async_wait(asio::use_awaitable);
    }

    /// Applies the limits; a connection that waits for nothing makes room for a new one.
    bool may_stay(const tcp::socket& accepted) {
        boost::system::error_code gone;
        const auto peer = accepted.remote_endpoint(gone).address();
        if (gone) return false;
        const auto same = std::ranges::count_if(
            connections_, [&](const connection* one) { return one->peer() == peer; });
        bool stays =
            peer.is_loopback() || static_cast<std::size_t>(same) < shared_.options.max_per_peer;
        if (stays && connections_.size() >= shared_.options.max_connections)
            stays = close_an_idle_one();
        if (!stays) ++shared_.counters.refused_connections;
        return stays;
    }

    bool close_an_idle_one() {
        connection* longest = nullptr;
        for (connection* one : connections_) {
            if (!one->idle()) continue;
            if (longest == nullptr || one->idle_since() < longest->idle_since()) longest = one;
        }
        if (longest != nullptr) longest->close();
        return longest != nullptr;
    }

    /// A connection in the list, from before its task begins until that has ended.
    struct guest {
        guest(state& server, tcp::socket accepted)
            : owner{server},
              serving{server.shared_, std::move(accepted)},
              place{server.connections_.insert(server.connections_.end(), &serving)} {
            owner.shared_.counters.connections = owner.connections_.size();
        }
        ~guest() {
            owner.connections_.erase(place);
            owner.shared_.counters.connections = owner.connections_.size();
        }
        guest(const guest&) = delete;
        guest& operator=(const guest&) = delete;

        state& owner;
        connection serving;
        std::list<connection*>::iterator place;
    };

    asio::awaitable<void> serve(std::unique_ptr<guest> one) {
        try {
            co_await one->serving.run();
        } catch (const boost::system::system_error& stop) {
            if (stop.code() == asio::error::operation_aborted) throw;
            report(stop.what());
        } catch (const std::exception& failure) {
            report(failure.what());
        }
    }

    void report(const std::string& failure) {
        if (shared_.options.report) shared_.options.report("http connection broke: " + failure);
    }

    asio::any_io_executor executor_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;  // after a failed accept
    spare_descriptor spare_;
    std::minstd_rand random_{std::random_device{}()};
    service shared_;
    std::list<connection*> connections_;  // in the order of arrival
};

server::server(asio::any_io_executor executor, server_options options, std::vector<route> routes)
    : state_{std::make_unique<state>(std::move(executor), std::move(options), std::move(routes))} {}

server::~server() = default;

std::string server::prepare_tls() {
    return state_->prepare_tls();
}
certificate_reload server::reload_tls(bool at_once) {
    return state_->reload_tls(at_once);
}
std::optional<certificate_view> server::certificate() const {
    return state_->certificate();
}
std::string server::listen() {
    return state_->listen();
}
tcp::endpoint server::local_endpoint() const {
    return state_->local_endpoint();
}
asio::awaitable<void> server::run() {
    return state_->run();
}
const server_counters& server::counters() const {
    return state_->counters();
}

}  // namespace logagent::http

#include "instance.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "client_loop.hpp"

namespace logagent::kafka {

struct instance::context {
    const name_cache& names;
    const notices& loop;
    std::uint64_t serial;
};

namespace {

using error_text = std::array<char, 512>;

/// The part of the configuration that comes from our options and wins over everything.
void set_options(rd_kafka_conf_t* conf, const producer_options& options) {
    const auto timeout = options.socket_timeout.count();
    set_property(conf, "socket.timeout.ms", std::to_string(timeout));
    // The broker gives up before we do, so a slow replica is an answer and not a lost connection.
    set_property(conf, "request.timeout.ms", std::to_string(std::max<long>(1, timeout * 9 / 10)));
    // What a broker takes in one request (its socket.request.max.bytes), so that only the limits of
    // the topics matter. It costs nothing: a batch ends at batch.size, and a record may exceed
    // that.
    set_property(conf, "message.max.bytes", "104857600");
    set_property(conf, "enable.idempotence", options.idempotent ? "true" : "false");
    set_property(conf, "max.in.flight.requests.per.connection", options.idempotent ? "5" : "1");
    if (options.idempotent) return;
    set_property(conf, "batch.num.messages", "1");
    set_property(conf, "linger.ms", "0");
}

std::uint32_t batch_bytes(const settings& settings, const producer_options& options) {
    const auto given = settings.properties.find("batch.size");
    if (given == settings.properties.end()) return options.batch_bytes;
    const auto own = std::stoul(given->second);
    return static_cast<std::uint32_t>(std::min<unsigned long>(own, options.batch_bytes));
}

std::string property(const settings& settings, const char* name) {
    const auto found = settings.properties.find(name);
    return found == settings.properties.end() ? std::string{} : found->second;
}

}  // namespace

instance::instance(const settings& settings, const producer_options& options, int wake,
                   const name_cache& names, const notices& loop, std::uint64_t serial)
    : context_{std::make_unique<context>(context{names, loop, serial})},
      user_{property(settings, "sasl.username")},
      password_{property(settings, "sasl.password")} {
    auto* conf = configure(settings, options);
    error_text why{};
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
    if (!client_) {
        rd_kafka_conf_destroy(conf);
        throw std::runtime_error{std::string{"librdkafka: "} + why.data()};
    }
    queue_ = rd_kafka_queue_get_main(client_);
    const std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue_, wake, &one, sizeof one);
    rd_kafka_set_log_queue(client_, queue_);
}

instance::~instance() {
    rd_kafka_queue_io_event_enable(queue_, -1, nullptr, 0);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
}

rd_kafka_conf_t* instance::configure(const settings& settings, const producer_options& options) {
    conf_ptr conf{rd_kafka_conf_new()};
    for (const auto& [name, value] : settings.properties)
        set_property(conf.get(), name, value);
    set_property(conf.get(), "bootstrap.servers", settings.brokers);
    set_property(conf.get(), "batch.size", std::to_string(batch_bytes(settings, options)));
    set_options(conf.get(), options);

    rd_kafka_conf_set_opaque(conf.get(), context_.get());
    // The log comes as events; what is said before there is a queue would go to standard error.
    rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
    rd_kafka_conf_set_events(conf.get(),
                             RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rd_kafka_conf_set_resolve_cb(
        conf.get(), [](const char* node, const char* service, const addrinfo* hints,
                       addrinfo** result, void* opaque) {
            if (node)
                return static_cast<context*>(opaque)->names.resolve(node, service, hints, result);
            name_cache::release(*result);
            return 0;
        });
    // A broker's state is not in any event; the interceptor runs on the broker's thread.
    rd_kafka_conf_interceptor_add_on_new(
        conf.get(), "logagent",
        [](rd_kafka_t* client, const rd_kafka_conf_t*, void* opaque, char*, size_t) {
            return rd_kafka_interceptor_add_on_broker_state_change(
                client, "logagent",
                [](rd_kafka_t*, std::int32_t id, const char*, const char*, int, const char* state,
                   void* told) {
                    const bool up = std::strcmp(state, "UP") == 0;
                    if (!up && std::strcmp(state, "DOWN") != 0) return RD_KAFKA_RESP_ERR_NO_ERROR;
                    const auto* own = static_cast<const context*>(told);
                    std::array<char, 64> line;
                    const int size = std::snprintf(line.data(), line.size(), "%llu %d %s",
                                                   static_cast<unsigned long long>(own->serial),
                                                   static_cast<int>(id), state);
                    own->loop.tell(broker_notice, {line.data(), static_cast<std::size_t>(size)});
                    return RD_KAFKA_RESP_ERR_NO_ERROR;
                },
                opaque);
        },
        context_.get());
    return conf.release();
}

void instance::names_changed() {
    // The one public call that wakes all broker threads. Without SASL the credentials are not used;
    // with it they are the same as before.
    if (auto* failure = rd_kafka_sasl_set_credentials(client_, user_.c_str(), password_.c_str()))
        rd_kafka_error_destroy(failure);
}

}  // namespace logagent::kafka

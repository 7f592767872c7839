#include "agent/status_json.hpp"

namespace logagent::agent {

namespace {

constexpr std::size_t most_errors = 1000;

/// What "failed" tells: the document that could not be applied, with the first reason.
void write_failure(json_writer& out, const config_report& config) {
    out.open('{').key("revision");
    if (config.failed_revision != 0)
        out.value(config.failed_revision);
    else
        out.null();
    out.key("at");
    if (config.failed_ms != 0)
        out.value(utc_time(config.failed_ms));
    else
        out.null();
    out.key("error");
    if (config.errors.empty())
        out.null();
    else
        write_error(out, config.errors.front());
    out.close('}');
}

void write_applied(json_writer& out, const config_report& config) {
    out.open('{').key("revision");
    if (config.revision != 0)
        out.value(config.revision);
    else
        out.null();
    out.member("hash", config.hash).member("at", utc_time(config.applied_ms)).close('}');
}

void write_config(json_writer& out, const config_report& config) {
    out.open('{');
    write_config_result(out, config);
    out.key("errors").open('[');
    for (std::size_t i = 0; i < config.errors.size() && i < most_errors; ++i)
        write_error(out, config.errors[i]);
    out.close(']').close('}');
}

void write_kafka(json_writer& out, const status_values& values) {
    out.open('{').member("state", std::string_view{values.kafka_up ? "up" : "down"});
    out.member("in_flight_bytes", values.in_flight_bytes);
    out.member("requests_per_s", values.requests_per_s);
    out.key("blocked").open('[');
    for (const auto& one : values.blocked) {
        out.open('{').member("topic", one.topic).member("partition", one.partition);
        out.member("reason", one.reason).close('}');
    }
    out.close(']').close('}');
}

void write_hardening(json_writer& out, const std::vector<os::confinement_layer>& layers) {
    out.open('{').member("mode", std::string_view{layers.empty() ? "off" : "on"});
    out.key("layers").open('[');
    for (const auto& layer : layers) {
        out.open('{').member("name", layer.name).key("active").boolean(layer.active);
        out.member("detail", layer.detail).close('}');
    }
    out.close(']').close('}');
}

void write_ledger(json_writer& out, const status_values& values) {
    out.open('{');
    for (std::size_t i = 0; i < checkpoint::byte_classes; ++i)
        out.member(name(static_cast<checkpoint::byte_class>(i)), values.ledger.classes[i]);
    out.member("in_flight", values.ledger.in_flight).member("unread", values.ledger.unread);
    out.key("lines").open('{').member("read", values.counted.lines_read);
    out.member("acked", values.counted.lines_acked).close('}').close('}');
}

}  // namespace

void write_file(json_writer& out, const tail::file_view& file) {
    out.open('{').member("path", file.path).member("service", file.service);
    out.member("topic", file.topic).member("state", file.state);
    out.member("generation", file.generation).member("inode", file.inode);
    out.member("size", file.size).member("read_offset", file.read_offset);
    out.member("acked_offset", file.acked_offset).member("lag_bytes", file.lag_bytes);
    out.member("hole_bytes", file.hole_bytes);
    out.member("lines_per_s", file.lines_per_s).member("bytes_per_s", file.bytes_per_s);
    out.member("send_rate", file.send_rate).member("throttled_seconds", file.throttled_seconds);
    out.key("eta_to_loss_s");
    if (file.eta_to_loss_s)
        out.value(*file.eta_to_loss_s);
    else
        out.null();
    out.member("last_error", file.last_error).close('}');
}

void write_identity(json_writer& out, const status_values& values) {
    out.member("host", values.host).member("instance", values.instance);
    out.member("version", values.version).key("ips").open('[');
    for (const auto& ip : values.ips)
        out.value(ip);
    out.close(']').member("started", utc_time(values.started_ms));
    out.member("state", std::string_view{values.problems.empty() ? "healthy" : "degraded"});
}

void write_problem(json_writer& out, const problem& what) {
    out.open('{').member("code", what.code).member("text", what.text);
    out.member("since", utc_time(what.since_ms)).close('}');
}

void write_error(json_writer& out, const config_report::error& error) {
    out.open('{').member("key", error.key).member("pointer", error.pointer);
    out.member("code", error.code).member("detail", error.detail).close('}');
}

void write_config_result(json_writer& out, const config_report& config) {
    out.member("source", config.source).member("state", config.state).key("applied");
    if (config.applied_ms != 0)
        write_applied(out, config);
    else
        out.null();
    out.key("failed");
    if (config.state == "failed")
        write_failure(out, config);
    else
        out.null();
}

void write_head(json_writer& out, const status_values& values) {
    out.open('{');
    write_identity(out, values);
    out.key("problems").open('[');
    for (const auto& one : values.problems)
        write_problem(out, one);
    out.close(']').key("config");
    write_config(out, values.config);
    out.key("hardening");
    write_hardening(out, values.hardening);
    out.key("kafka");
    write_kafka(out, values);
    out.key("ledger");
    write_ledger(out, values);
    out.key("files").open('[');
}

void write_ledger_page(json_writer& out, const status_values& values,
                       const std::map<std::uint64_t, checkpoint::loss_record>& losses) {
    out.open('{').member("host", values.host).key("ledger");
    write_ledger(out, values);
    out.key("losses").open('[');
    for (const auto& [number, loss] : losses) {
        out.open('{').member("number", number).member("at", utc_time(loss.at_ms));
        out.member("class", name(loss.kind)).member("path", loss.path).member("topic", loss.topic);
        out.member("generation", loss.generation.text());
        out.member("begin", loss.where.begin).member("end", loss.where.end);
        out.member("bytes", loss.bytes).member("reason", loss.reason).close('}');
    }
    out.close(']').close('}');
}

}  // namespace logagent::agent

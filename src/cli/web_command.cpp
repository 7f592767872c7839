#include "logagent/web/web.hpp"

#include <map>

#include "cli/commands.hpp"
#include "cli/configuration.hpp"
#include "cli/route_check.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/kafka/settings.hpp"
#include "logagent/web/doctor.hpp"

namespace logagent::cli {

namespace {

constexpr std::size_t most_ini_bytes = 1 << 20;
constexpr const char* default_web_file = "/etc/logagent/web.ini";

constexpr flag flags[] = {
    {.names = "-c,--config",
     .value = "FILE",
     .help = "The configuration (/etc/logagent/web.ini). With --etcd nothing is read unless -c "
             "names it."},
    {.names = "--listen",
     .value = "ADDR",
     .help = "Address and port to serve on (127.0.0.1:9480); wins over listen. Another one than "
             "loopback needs TLS: tls_cert and tls_key."},
    {.names = "--etcd",
     .value = "ADDR",
     .help = "Endpoints of etcd, host:port with commas; wins over etcd_addr."},
    {.names = "--doctor",
     .help = "Look at etcd instead of serving: who may write, compaction, quota, members. Changes "
             "nothing; 1 if something is bad."},
    {.names = "--set",
     .value = "KEY=VALUE",
     .help = "Any key of the configuration; wins over the file. May be given several times."},
};

/// Flags as the overrides they are; --set stands behind them and wins.
std::vector<std::string> read_overrides(const arguments& given) {
    std::vector<std::string> out;
    if (const auto* listen = given.last("--listen")) out.push_back("listen=" + *listen);
    if (const auto* etcd = given.last("--etcd")) out.push_back("etcd_addr=" + *etcd);
    for (auto& one : given.all("--set"))
        out.push_back(std::move(one));
    return out;
}

/// Says what the user wrote, not what was made of it.
void name_source(base::setting_problem& problem, const arguments& given) {
    if (problem.where != "--set") return;
    if (problem.key == "listen" && given.has("--listen")) problem.where = "--listen";
    if (problem.key == "etcd_addr" && given.has("--etcd")) problem.where = "--etcd";
}

/// What kafka.<property> may not be; brokers that are not given are nobody's concern yet.
void check_kafka(const web::settings& loaded, std::vector<std::string>& wrong) {
    std::map<std::string, std::string> given;
    for (const auto& [name, written] : loaded.kafka)
        given.emplace(name, written.value);
    std::string addresses;
    for (const auto& one : loaded.kafka_addr)
        addresses += (addresses.empty() ? "" : ",") + one;
    for (const auto& error :
         kafka::read_settings(addresses, given, http::default_ca_file()).errors) {
        if (error.key == "kafka_addr" && loaded.kafka_addr.empty()) continue;
        const auto property = loaded.kafka.find(error.key.substr(error.key.find('.') + 1));
        base::setting_problem problem;
        if (property != loaded.kafka.end()) problem.where = property->second.where;
        problem.key = base::visible(error.key, 80);
        problem.text = "'" + base::visible(error.value, 80) + "' " +
                       base::visible(error.reason, 200) + "; allowed: " + error.allowed;
        wrong.push_back(problem.line());
    }
}

int run(const arguments& given, streams to) {
    const auto file = given.value_or("--config", given.has("--etcd") ? "" : default_web_file);
    std::string text;
    if (!file.empty()) {
        auto read = read_file(file, most_ini_bytes);
        if (!read) throw usage_error{read.error().text};
        text = *std::move(read);
    }
    auto loaded = web::load_settings(text, file, read_overrides(given));
    std::vector<std::string> wrong;
    for (auto& problem : loaded.problems) {
        name_source(problem, given);
        wrong.push_back(problem.line());
    }
    check_kafka(loaded.settings, wrong);
    if (!wrong.empty()) throw usage_error{std::move(wrong)};
    if (given.has("--doctor")) return web::run_doctor(std::move(loaded.settings), to.out);
    return web::run_web(std::move(loaded.settings), route_check());
}

}  // namespace

const command web_command{
    .name = "web",
    .summary = "serve the API that steers all agents from one place",
    .usage = "[-c FILE] [--listen ADDR] [--etcd ADDR] [--set KEY=VALUE]... [--doctor]",
    .about =
        "Serves the API under /api/v1, and /healthz, /readyz, /metrics and /version. Everything is "
        "kept in etcd; several of them may run at once. SIGTERM and SIGINT stop it.\n"
        "\n"
        "The first one that runs on an etcd without tokens prints an admin token on standard "
        "error, once: lgw_..., for Authorization: Bearer.\n"
        "\n"
        "On an address that is not loopback it serves TLS only: tls_cert and tls_key name the "
        "files of the certificate, which are read again when they are replaced and on SIGHUP.",
    .flags = flags,
    .examples =
        "  logagent web -c /etc/logagent/web.ini\n"
        "  logagent web --listen 127.0.0.1:9480 --etcd 127.0.0.1:2379\n"
        "  logagent web --listen 0.0.0.0:9480 --etcd 127.0.0.1:2379 \\\n"
        "      --set tls_cert=/etc/logagent/web.crt --set tls_key=/etc/logagent/web.key\n",
    .run = run,
};

}  // namespace logagent::cli

#include <algorithm>
#include <boost/json/array.hpp>

#include "handlers.hpp"
#include "host_commands.hpp"
#include "logagent/base/glob.hpp"
#include "problem.hpp"
#include "stamp.hpp"
#include "stats_desk.hpp"
#include "stored_routes.hpp"
#include "why.hpp"

// Why the lines of a file are not where somebody looks for them.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr auto listing_limit = 6s;

bool reaches(const std::string& log_path, const std::string& path) {
    return log_path == path || base::glob_matches(log_path, path);
}

std::string text_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

const json::array* list_at(const json::object& from, std::string_view name) {
    const auto* found = from.if_contains(name);
    return found && found->is_array() ? &found->get_array() : nullptr;
}

void read_definitions(why_facts& facts, const parts& with, const std::optional<fleet::host>& host) {
    for (const auto& [name, service] : with.services) {
        for (const auto& file : service.files) {
            if (!reaches(file.target.log_path, facts.path)) continue;
            why_entry entry;
            entry.service = name;
            entry.log_path = file.target.log_path;
            entry.topic = file.target.topic;
            entry.enabled = service.enabled;
            entry.selected = host && fleet::selects(service.hosts, *host);
            entry.excluded = fleet::excludes(file.target, facts.path);
            facts.defined.push_back(std::move(entry));
        }
    }
}

void read_status(why_facts& facts, const json::object& status) {
    if (const auto* config = status.if_contains("config"); config && config->is_object()) {
        facts.config_state = text_at(config->get_object(), "state");
        const auto* failed = config->get_object().if_contains("failed");
        const auto* why =
            failed && failed->is_object() ? failed->get_object().if_contains("error") : nullptr;
        if (why && why->is_object())
            facts.failure =
                text_at(why->get_object(), "pointer") + ": " + text_at(why->get_object(), "detail");
        const auto* applied = config->get_object().if_contains("applied");
        const auto* revision = applied && applied->is_object()
                                   ? applied->get_object().if_contains("revision")
                                   : nullptr;
        if (revision && revision->is_int64()) facts.applied_revision = revision->get_int64();
    }
    if (const auto* errors = list_at(status, "errors"))
        for (const auto& one : *errors)
            if (one.is_object() && text_at(one.get_object(), "key") == facts.key)
                facts.refusals.push_back({text_at(one.get_object(), "pointer"),
                                          text_at(one.get_object(), "code"),
                                          text_at(one.get_object(), "detail")});
    if (const auto* problems = list_at(status, "problems"))
        for (const auto& one : *problems)
            if (one.is_object())
                facts.problems.emplace_back(text_at(one.get_object(), "code"),
                                            text_at(one.get_object(), "text"));
    if (const auto* files = list_at(status, "not_tailing"))
        for (const auto& one : *files)
            if (one.is_object() && text_at(one.get_object(), "path") == facts.path) {
                facts.file_state = text_at(one.get_object(), "state");
                facts.file_error = text_at(one.get_object(), "last_error");
            }
}

void read_figures(why_facts& facts, const stats_desk& stats, std::int64_t now_ms) {
    const auto* known =
        stats.rates().is_fresh(facts.host, now_ms) ? stats.rates().host(facts.host) : nullptr;
    if (!known) return;
    for (const auto& file : known->files)
        if (file.path == facts.path && !facts.figures) facts.figures = file;
    // The newer of both: a status is written twice a minute.
    if (!facts.figures) return;
    facts.file_state = facts.figures->state;
    facts.file_error = facts.figures->last_error;
}

asio::awaitable<void> read_key(why_facts& facts, parts& with, std::string address) {
    etcd::key_range keys;
    keys.key = with.keys.prefix() + address + "/logconfig";
    facts.key = keys.key;
    const auto found = co_await with.store.range(std::move(keys));
    facts.key_read = true;
    if (found.keys.empty()) co_return;
    facts.key_revision = found.keys.front().mod_revision;
    auto read = fleet::parse_logconfig(found.keys.front().value);
    for (std::size_t at = 0; at < read.targets.size(); ++at) {
        const auto& target = read.targets[at];
        if (!reaches(target.log_path, facts.path)) continue;
        why_entry entry;
        entry.service = target.service;
        entry.log_path = target.log_path;
        entry.topic = target.topic;
        entry.excluded = fleet::excludes(target, facts.path);
        facts.written.emplace_back(read.indexes[at], std::move(entry));
    }
}

/// What routes that read the topic make of it.
asio::awaitable<void> read_transfer(why_facts& facts, parts& with, std::string topic) {
    const auto stored = co_await read_routes(with);
    facts.transfer_known = !stored.empty() || !with.transfers.empty();
    for (const auto& picture : pictures_of(stored, with.transfers)) {
        if (!takes_topic(picture.topics, topic)) continue;
        why_route route;
        route.name = picture.name;
        route.sink = picture.sink;
        route.state = picture.state;
        route.detail = picture.detail;
        route.lag = picture.lag;
        route.lag_s = picture.lag_s();
        route.oldest_s = picture.oldest_s;
        for (const auto& one : picture.rejected) {
            if (one.topic != topic) continue;
            route.rejected = one.count;
            route.rejected_as = one.reason;
            route.rejected_at = one.at;
        }
        facts.routes.push_back(std::move(route));
    }
}

/// The path as a glob that means itself.
std::string literal_glob(const std::string& path) {
    std::string out;
    for (const char c : path) {
        if (c == '*' || c == '?' || c == '[')
            (out += '[') += std::string{c} + ']';
        else
            out += c;
    }
    return out;
}

asio::awaitable<void> ask_for_file(why_facts& facts, parts& with, std::string instance) {
    json::object arguments;
    arguments["glob"] = literal_glob(facts.path);
    arguments["limit"] = 1;
    auto value = command_value(instance, "paths", std::move(arguments));
    std::string host = facts.host;
    try {
        const auto answer =
            co_await ask_agent(with, std::move(host), std::move(value), listing_limit);
        const auto* paths = list_at(answer, "paths");
        if (paths)
            facts.listed = !paths->empty();
        else
            facts.listing_failed = text_at(answer, "text");
    } catch (const refused& why) {
        facts.listing_failed = why.what();
    }
}

std::string_view name(why_step::state found) {
    switch (found) {
        case why_step::state::ok:
            return "ok";
        case why_step::state::broken:
            return "broken";
        case why_step::state::skipped:
            return "skipped";
        default:
            return "unknown";
    }
}

json::object shown(const why_step& step) {
    json::object out;
    out["step"] = step.step;
    out["state"] = name(step.found);
    out["code"] = step.code;
    out["text"] = step.text;
    out["remedy"] = step.remedy;
    out["values"] = json::object{};
    return out;
}

}  // namespace

answering show_why(parts& with, exchange& one) {
    why_facts facts;
    facts.host = one.request.query("host").value_or("");
    facts.path = one.request.query("path").value_or("");
    if (facts.host.empty() || !facts.path.starts_with('/') || facts.path.size() > 4096)
        throw refused{400, "query", "host and an absolute path are needed"};
    const auto found = with.hosts.all().find(facts.host);
    std::optional<fleet::host> host;
    std::string instance;
    if (found != with.hosts.all().end()) {
        const auto& record = found->second;
        facts.known = true;
        facts.online = record.online;
        facts.since = utc_time(record.since_ms);
        host = host_registry::host_of(record);
        if (record.reported) instance = record.reported->instance;
    }
    read_definitions(facts, with, host);
    const auto status = facts.known ? found->second.status : json::object{};
    if (host && !host->primary_ip.empty()) co_await read_key(facts, with, host->primary_ip);
    read_status(facts, status);
    read_figures(facts, with.stats, one.now_ms);
    const bool seen = facts.figures || !facts.file_state.empty();
    if (facts.online && !seen) co_await ask_for_file(facts, with, std::move(instance));
    const auto* entry = followed_entry(facts);
    if (entry) co_await read_transfer(facts, with, entry->topic);
    json::array steps;
    json::object out;
    out["host"] = facts.host;
    out["path"] = facts.path;
    out["service"] = entry ? json::value(json::string{entry->service}) : json::value(nullptr);
    out["topic"] = entry ? json::value(json::string{entry->topic}) : json::value(nullptr);
    out["broken"] = nullptr;
    for (const auto& step : trace(facts)) {
        if (step.found == why_step::state::broken) out["broken"] = step.step;
        steps.push_back(shown(step));
    }
    out["steps"] = std::move(steps);
    co_return json_answer(out);
}

}  // namespace logagent::web

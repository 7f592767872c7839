#include "why.hpp"

#include <algorithm>
#include <cmath>

namespace logagent::web {

namespace {

using state = why_step::state;

why_step ok(std::string text) {
    return {{}, state::ok, {}, std::move(text), {}};
}

why_step broken(std::string code, std::string text, std::string remedy) {
    return {{}, state::broken, std::move(code), std::move(text), std::move(remedy)};
}

why_step unknown(std::string code, std::string text, std::string remedy) {
    return {{}, state::unknown, std::move(code), std::move(text), std::move(remedy)};
}

const why_entry* first(const std::vector<why_entry>& all, bool selected, bool enabled,
                       bool excluded) {
    const auto found = std::ranges::find_if(all, [&](const why_entry& one) {
        return one.selected == selected && one.enabled == enabled && one.excluded == excluded;
    });
    return found == all.end() ? nullptr : &*found;
}

/// The entry of the key that counts: the first one that reaches the path.
const std::pair<std::size_t, why_entry>* in_key(const why_facts& facts) {
    const auto found =
        std::ranges::find_if(facts.written, [](const auto& one) { return !one.second.excluded; });
    return found == facts.written.end() ? nullptr : &*found;
}

/// Why no definition brings the file to this host.
why_step undefined(const why_facts& facts) {
    if (const auto* excluded = first(facts.defined, true, true, true))
        return broken("excluded", "the service " + excluded->service + " excludes " + facts.path,
                      "take the glob out of `exclude` of " + excluded->log_path);
    for (const bool left_out : {false, true})
        if (const auto* off = first(facts.defined, true, false, left_out))
            return broken("disabled", "the service " + off->service + " is disabled",
                          "enable the service " + off->service);
    for (const bool on : {true, false})
        if (const auto* other = first(facts.defined, false, on, false))
            return broken("not_selected",
                          "the service " + other->service + " collects " + other->log_path +
                              ", but not on " + facts.host,
                          "add the host to `hosts` of the service " + other->service +
                              ", or give it the labels that it selects by");
    return broken("not_defined", "no service collects " + facts.path + " on any host",
                  "add an entry with this log_path to a service");
}

why_step rendered(const why_facts& facts) {
    if (!facts.known)
        return broken("no_agent", "no agent has ever reported under the name " + facts.host,
                      "start logagent agent on that host with this etcd_addr; `host` in agent.ini "
                      "is the name");
    if (!facts.online)
        return broken("agent_away", "the agent of " + facts.host + " is away since " + facts.since,
                      "look at the service on the host: systemctl status logagent, and its log");
    const auto* entry = in_key(facts);
    const auto* right = first(facts.defined, true, true, false);
    // Also one that was written by hand, or by an earlier definition.
    if (entry)
        return ok(facts.key + " holds " + entry->second.log_path +
                  (right ? ", of the service " + right->service : ", of no service"));
    if (!right) return undefined(facts);
    if (!facts.key_read)
        return unknown("no_address", "the address of " + facts.host + " is not known",
                       "wait until its agent has reported its addresses");
    return broken("not_written",
                  facts.key_revision == 0 ? "the key " + facts.key + " does not exist yet"
                                          : "the key " + facts.key + " does not hold the entry",
                  "look at the drift list: the key was changed by hand, is held back, or waits for "
                  "a plan to be applied");
}

/// What the agent said about this entry, if it refused it.
const why_facts::refusal* refusal_of(const why_facts& facts) {
    const auto* entry = in_key(facts);
    if (!entry) return nullptr;
    const auto own = '/' + std::to_string(entry->first);
    const auto found = std::ranges::find_if(facts.refusals, [&](const auto& one) {
        return one.pointer == own || one.pointer.starts_with(own + '/');
    });
    return found == facts.refusals.end() ? nullptr : &*found;
}

why_step applied(const why_facts& facts) {
    if (facts.config_state == "failed")
        return broken("refused", "the agent refused its configuration: " + facts.failure,
                      "correct the entry that is named, or roll the service back");
    if (facts.applied_revision < facts.key_revision)
        return broken("not_yet",
                      "the agent has revision " + std::to_string(facts.applied_revision) +
                          " and not yet " + std::to_string(facts.key_revision),
                      "it takes 5 s; after that look at the agent's log: it may not reach etcd");
    const auto* refusal = refusal_of(facts);
    if (refusal && refusal->code != "topic_not_allowed")
        return broken("entry_refused", refusal->pointer + ": " + refusal->detail,
                      "correct this field of the entry");
    return ok("revision " + std::to_string(facts.applied_revision) + " is applied");
}

why_step allowed(const why_facts& facts) {
    if (const auto* refusal = refusal_of(facts))
        return broken("topic_not_allowed", refusal->detail,
                      "add the topic to allow_topics in agent.ini of the host, or take another "
                      "topic");
    if (facts.file_state == "denied")
        return broken("denied",
                      facts.file_error.empty() ? "the agent may not read it" : facts.file_error,
                      "make it readable for the agent's user, or add its directory to allow_paths "
                      "in agent.ini of the host; deny_paths wins");
    if (facts.file_state == "shadowed")
        return broken("shadowed", "another entry collects this file: " + facts.file_error,
                      "remove one of the two entries, or give them different topics");
    return ok("nothing forbids the file");
}

why_step exists(const why_facts& facts) {
    if (facts.file_state == "waiting")
        return broken(
            "missing",
            facts.file_error.empty() ? "there is no such file on the host" : facts.file_error,
            "check the path on the host; lines are collected from the moment the file "
            "appears");
    if (facts.figures || !facts.file_state.empty()) return ok("the agent has the file, or had it");
    if (facts.listed && !*facts.listed)
        return broken("missing", "the agent finds no file there that it may read",
                      "check the path on the host, allow_paths in agent.ini, and the rights of the "
                      "agent's user");
    if (facts.listed) return ok("the agent sees the file");
    return unknown("not_asked", "the agent could not be asked: " + facts.listing_failed, {});
}

why_step readable(const why_facts& facts) {
    if (facts.file_state == "error")
        return broken("error", facts.file_error, "the message says what the file system said");
    return ok("no error was reported");
}

bool is_throttled(const why_facts& facts) {
    return facts.file_state == "throttled" || (facts.figures && facts.figures->throttled > 0.05);
}

/// What the agent says about Kafka that concerns this topic.
const std::pair<std::string, std::string>* topic_problem(const why_facts& facts) {
    const auto* entry = followed_entry(facts);
    const auto found = std::ranges::find_if(facts.problems, [&](const auto& one) {
        const auto& [code, text] = one;
        if (code == "kafka_down") return true;
        const bool about_topics = code == "topic_parked" || code == "partition_without_leader";
        return about_topics && entry &&
               (text.starts_with(entry->topic + ':') || text.starts_with(entry->topic + '['));
    });
    return found == facts.problems.end() ? nullptr : &*found;
}

why_step moving(const why_facts& facts) {
    if (!facts.figures)
        return unknown("no_figures", "the agent has not published figures of this file",
                       "make the topic _logagent.stats to see them");
    const auto& file = *facts.figures;
    if (file.lines_per_s > 0)
        return ok(std::to_string(std::llround(file.lines_per_s)) + " lines/s are sent");
    if (file.lag_bytes == 0)
        return ok("all " + std::to_string(file.size) +
                  " bytes are acknowledged; nothing new is written");
    auto text = std::to_string(file.lag_bytes) + " bytes wait and none is sent; read to " +
                std::to_string(file.read_offset) + ", acknowledged to " +
                std::to_string(file.acked_offset);
    // The next steps say why.
    if (is_throttled(facts) || topic_problem(facts)) return unknown("waits", std::move(text), {});
    return broken("stuck", std::move(text),
                  "look at /status of the agent on the host: `last_error` of the file, and "
                  "kafka.blocked");
}

why_step throttled(const why_facts& facts) {
    if (!is_throttled(facts)) return ok("no limit holds it back");
    std::string text = "send_rate holds it back";
    std::string remedy = "raise send_rate of the entry";
    if (facts.figures) {
        text += ": " + std::to_string(std::llround(facts.figures->lines_per_s)) + " lines/s go, " +
                std::to_string(facts.figures->lag_bytes) + " bytes wait";
        const auto seconds = drain_seconds({&*facts.figures}, std::nullopt);
        remedy += seconds ? "; at this rate it is through in " +
                                std::to_string(std::llround(*seconds)) + " s"
                          : "; at this rate the lag only grows";
    }
    return broken("send_rate", std::move(text), std::move(remedy));
}

why_step topic(const why_facts& facts) {
    const auto* problem = topic_problem(facts);
    if (!problem) return ok("the agent reports no trouble with the topic");
    if (problem->first == "kafka_down")
        return broken(problem->first, problem->second,
                      "the agent reaches no broker: check kafka_addr, the network and the brokers");
    return broken(problem->first, problem->second,
                  "make the topic, give the agent the right to write to it, or bring its brokers "
                  "back; the lines wait in the file");
}

constexpr double patience_s = 60;  // behind by less is on its way

why_step no_transfer() {
    return unknown("no_transfer",
                   "up to Kafka all is well; no process of logagent transfer shows itself here",
                   "look at what consumes the topic; for logagent transfer, put etcd_addr into its "
                   "transfer.ini");
}

/// Why nobody delivers for this route, if it is so.
std::optional<why_step> not_running(const why_route& route) {
    const auto what = "the route " + route.name;
    if (route.state == "idle")
        return broken("route_idle", what + " is defined and no process runs it",
                      "start logagent transfer with etcd_addr and a sink named " + route.sink);
    if (route.state == "refused")
        return broken("route_refused", what + " is not used as it is defined: " + route.detail,
                      "correct the route, or the transfer.ini of the process that is named");
    if (route.state == "failed")
        return broken("route_failed", what + " does not start: " + route.detail,
                      "look at the log of logagent transfer on that host");
    return std::nullopt;
}

std::string behind_by(const why_route& route) {
    if (!route.lag) return "the route " + route.name + " has just begun";
    auto out = "the route " + route.name + " is " + std::to_string(*route.lag) + " records behind";
    if (route.lag_s && *route.lag_s >= 1)
        out += ", " + std::to_string(std::llround(*route.lag_s)) + " s at this rate";
    return out;
}

bool is_behind(const why_route& route) {
    const bool late = route.oldest_s > patience_s || route.lag_s.value_or(0) > patience_s;
    return route.lag.value_or(0) > 0 && late;
}

why_step transfer(const why_facts& facts) {
    if (!facts.transfer_known) return no_transfer();
    const auto* entry = followed_entry(facts);
    const auto topic_name = entry ? entry->topic : std::string{};
    if (facts.routes.empty())
        return broken("no_route", "no route takes the topic " + topic_name,
                      "define a route for the topic, or add it to `topics` of one");
    for (const auto& route : facts.routes)
        if (auto step = not_running(route)) return *std::move(step);
    for (const auto& route : facts.routes)
        // The next step says why.
        if (route.state == "stalled") return unknown("waits", behind_by(route), {});
    for (const auto& route : facts.routes)
        if (is_behind(route))
            return broken("behind", behind_by(route),
                          "see whether the sink is slow; more processes of transfer share the "
                          "partitions, and `concurrency` of the route sends more at once");
    return ok(behind_by(facts.routes.front()));
}

why_step sink(const why_facts& facts) {
    if (facts.routes.empty()) return no_transfer();
    for (const auto& route : facts.routes)
        if (route.state == "stalled")
            return broken("sink_stalled",
                          "the sink " + route.sink + " takes nothing: " + route.detail,
                          "repair the sink; nothing is lost, the records wait in Kafka");
    const auto* entry = followed_entry(facts);
    const auto topic_name = entry ? entry->topic : std::string{};
    for (const auto& route : facts.routes)
        if (route.rejected > 0)
            return broken("rejected",
                          "the sink " + route.sink + " refused " + std::to_string(route.rejected) +
                              " records of the topic, the last one at " + route.rejected_at +
                              " as " + route.rejected_as,
                          "they lie in " + topic_name + ".dead: logagent transfer --dead-letters " +
                              topic_name + " --list; then correct the cause, and --retry");
    return ok("the sink has taken what it was given");
}

struct named_step {
    const char* name;
    why_step (*look)(const why_facts& facts);
};

constexpr named_step way[] = {
    {"rendered", rendered}, {"applied", applied}, {"allowed", allowed},     {"exists", exists},
    {"readable", readable}, {"moving", moving},   {"throttled", throttled}, {"topic", topic},
    {"transfer", transfer}, {"sink", sink},
};

}  // namespace

const why_entry* followed_entry(const why_facts& facts) {
    if (const auto* written = in_key(facts)) return &written->second;
    if (const auto* right = first(facts.defined, true, true, false)) return right;
    return facts.defined.empty() ? nullptr : &facts.defined.front();
}

std::vector<why_step> trace(const why_facts& facts) {
    std::vector<why_step> out;
    bool over = false;
    for (const auto& [name, look] : way) {
        why_step step;
        step.found = state::skipped;
        if (!over) step = look(facts);
        step.step = name;
        over = over || step.found == state::broken;
        out.push_back(std::move(step));
    }
    return out;
}

}  // namespace logagent::web

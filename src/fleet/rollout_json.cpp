#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "logagent/fleet/rollout.hpp"

// The document of a rollout. Times are milliseconds since 1970.

namespace logagent::fleet {

namespace {

namespace json = boost::json;

json::array names(const std::vector<std::string>& from) {
    json::array out;
    for (const auto& each : from)
        out.emplace_back(each);
    return out;
}

json::object stage_json(const rollout_stage_state& from) {
    json::object out;
    out["percent"] = from.percent;
    out["hosts"] = from.hosts;
    out["started_ms"] = from.started_ms;
    out["ended_ms"] = from.ended_ms;
    return out;
}

json::object before_json(const host_before& from) {
    json::object out;
    if (!from.live) out["live"] = false;
    if (from.failed) out["failed"] = true;
    if (from.lag_bytes) out["lag_bytes"] = from.lag_bytes;
    return out;
}

/// Reads members one by one; the first complaint counts.
class reading {
public:
    explicit reading(const json::value& document) : field_{document} {}

    base::json_result<rollout> run() {
        const auto members = field_.object();
        if (!members) return members.error();
        text("id", out_.id);
        number("revision", out_.revision);
        number("from_revision", out_.from_revision);
        state();
        stages();
        text("first_host", out_.first_host);
        number("bake_s", out_.bake_s);
        number("patience_s", out_.patience_s);
        if (const auto automatic = field_.find("automatic"))
            take(automatic->boolean(), out_.automatic);
        number("began_ms", out_.began_ms);
        number("settled_ms", out_.settled_ms);
        before();
        reason();
        number("created_ms", out_.created_ms);
        text("by", out_.by);
        text("message", out_.message);
        document();
        if (error_) return *error_;
        return std::move(out_);
    }

private:
    template <class Result, class Value>
    void take(const Result& from, Value& into) {
        if (from)
            into = static_cast<Value>(*from);
        else if (!error_)
            error_ = from.error();
    }

    void text(std::string_view name, std::string& into) { text(field_, name, into); }
    void text(const base::json_field& of, std::string_view name, std::string& into) {
        if (const auto found = of.find(name)) take(found->text(), into);
    }

    template <class Number>
    void number(std::string_view name, Number& into) {
        number(field_, name, into);
    }
    template <class Number>
    void number(const base::json_field& of, std::string_view name, Number& into) {
        if (const auto found = of.find(name)) take(found->integer(0), into);
    }

    void complain(const base::json_field& at, std::string code, std::string what) {
        if (!error_) error_ = at.complain(std::move(code), std::move(what));
    }

    void state() {
        std::string word;
        text("state", word);
        for (const auto each : {rollout_state::running, rollout_state::paused, rollout_state::done,
                                rollout_state::aborted})
            if (word == name_of(each)) {
                out_.state = each;
                return;
            }
        complain(field_, "choice", "the state is none of running, paused, done, aborted");
    }

    void stages() {
        const auto list = field_.at("stages");
        const auto items =
            list ? list->array() : base::json_result<const json::array*>{list.error()};
        if (!items) {
            if (!error_) error_ = items.error();
            return;
        }
        for (std::size_t i = 0; i < (*items)->size() && !error_; ++i) {
            const auto each = list->at(i);
            if (!each.object()) return complain(each, "type", "expected an object");
            rollout_stage_state stage;
            number(each, "percent", stage.percent);
            number(each, "hosts", stage.hosts);
            number(each, "started_ms", stage.started_ms);
            number(each, "ended_ms", stage.ended_ms);
            out_.stages.push_back(stage);
        }
        number("stage", out_.stage);
        if (out_.stage >= out_.stages.size()) complain(*list, "range", "it has no such stage");
    }

    void before() {
        const auto found = field_.find("before");
        if (!found) return;
        const auto members = found->object();
        if (!members) return complain(*found, "type", "expected an object");
        for (const auto& member : **members) {
            const base::json_field each{member.value(), found->pointer()};
            if (!each.object()) return complain(each, "type", "expected objects");
            host_before then;
            if (const auto live = each.find("live")) take(live->boolean(), then.live);
            if (const auto failed = each.find("failed")) take(failed->boolean(), then.failed);
            number(each, "lag_bytes", then.lag_bytes);
            out_.before.emplace(std::string{member.key()}, then);
        }
    }

    void reason() {
        const auto found = field_.find("reason");
        if (!found) return;
        if (!found->object()) return complain(*found, "type", "expected an object");
        text(*found, "code", out_.reason.code);
        text(*found, "detail", out_.reason.detail);
        const auto hosts = found->find("hosts");
        const auto items = hosts ? hosts->value().if_array() : nullptr;
        if (!items) return;
        for (const auto& each : *items)
            if (each.is_string()) out_.reason.hosts.emplace_back(each.get_string());
    }

    void document() {
        const auto found = field_.at("document");
        if (!found) {
            if (!error_) error_ = found.error();
            return;
        }
        auto read = parse_stored_service(json::serialize(found->value()));
        if (!read.errors.empty())
            complain(*found, read.errors.front().code,
                     read.errors.front().pointer + ": " + read.errors.front().text);
        out_.next = std::move(read.value);
    }

    base::json_field field_;
    rollout out_;
    std::optional<base::json_error> error_;
};

}  // namespace

json::object to_json(const rollout& one) {
    json::object out;
    out["id"] = one.id;
    out["service"] = one.next.name;
    out["revision"] = one.revision;
    out["from_revision"] = one.from_revision;
    out["state"] = name_of(one.state);
    out["stage"] = one.stage;
    json::array stages;
    for (const auto& each : one.stages)
        stages.push_back(stage_json(each));
    out["stages"] = std::move(stages);
    out["first_host"] = one.first_host;
    out["bake_s"] = one.bake_s;
    out["patience_s"] = one.patience_s;
    out["automatic"] = one.automatic;
    out["began_ms"] = one.began_ms;
    out["settled_ms"] = one.settled_ms;
    json::object before;
    for (const auto& [host, then] : one.before)
        before[host] = before_json(then);
    out["before"] = std::move(before);
    if (!one.reason.code.empty()) {
        json::object reason;
        reason["code"] = one.reason.code;
        reason["detail"] = one.reason.detail;
        reason["hosts"] = names(one.reason.hosts);
        out["reason"] = std::move(reason);
    }
    out["created_ms"] = one.created_ms;
    out["by"] = one.by;
    out["message"] = one.message;
    out["document"] = to_json(one.next);
    return out;
}

base::json_result<rollout> parse_rollout(std::string_view text) {
    const auto document = base::parse_json(text);
    if (!document) return document.error();
    return reading{*document}.run();
}

}  // namespace logagent::fleet

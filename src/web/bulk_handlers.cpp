#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "bulk_change.hpp"
#include "endpoint.hpp"
#include "handlers.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/host_index.hpp"
#include "logagent/fleet/merge_patch.hpp"
#include "problem.hpp"
#include "service_document.hpp"

// Endpoints that change many services or hosts at once: from a CMDB, from an export, by a selector.

namespace logagent::web {

namespace json = boost::json;

namespace {

constexpr std::size_t most_hosts = 20'000;
constexpr std::size_t most_services = 2'000;

refused field_problem(std::string pointer, std::string code, std::string detail) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = pointer + ": " + detail;
    why.errors.push_back({std::move(pointer), std::move(code), std::move(detail)});
    return refused{std::move(why)};
}

void allow_only(const json::object& body, std::initializer_list<std::string_view> names) {
    for (const auto& member : body) {
        if (std::ranges::find(names, std::string_view{member.key()}) != names.end()) continue;
        std::string allowed;
        for (const auto name : names)
            allowed += std::string{name} + ", ";
        std::string pointer;
        base::append_pointer(pointer, std::string_view{member.key()});
        throw field_problem(pointer, "unknown_field", "allowed: " + allowed + "message");
    }
}

const json::array& list_at(const json::object& body, std::string_view name, std::size_t most) {
    static const json::array none;
    const auto* found = body.if_contains(name);
    if (!found) return none;
    if (!found->is_array() || found->get_array().size() > most)
        throw field_problem("/" + std::string{name}, "type",
                            "expected a list of at most " + std::to_string(most));
    return found->get_array();
}

std::string text_member_of(const json::object* of, std::string_view name) {
    const auto* found = of ? of->if_contains(name) : nullptr;
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

/// The owner of what is synchronized: `source` of the query or of the body.
std::string read_source(exchange& one) {
    std::string source{one.request.query("source").value_or("")};
    if (const auto* given = one.body.if_contains("source"); given && given->is_string())
        source = given->get_string();
    if (!valid_service_name(source))
        throw refused{422, "source",
                      "say whose definitions these are: source=..., 1 to 64 of a-z A-Z 0-9 . _ -, "
                      "for example cmdb"};
    return source;
}

bool read_prune(exchange& one) {
    if (const auto* given = one.body.if_contains("prune")) {
        if (!given->is_bool()) throw field_problem("/prune", "type", "expected true or false");
        return given->get_bool();
    }
    const auto given = one.request.query("prune");
    if (!given || *given == "false") return false;
    if (*given == "true") return true;
    throw refused{400, "query", "prune is neither true nor false"};
}

/// Reads definitions, each against what is stored; pointers begin with their place.
wanted_services read_services(const json::array& list, const fleet_state& state,
                              const principal& who, const std::string& source) {
    wanted_services out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto place = "/services/" + std::to_string(i);
        const auto* definition = list[i].if_object();
        const auto name = text_member_of(definition, "name");
        if (!valid_service_name(name))
            throw field_problem(place + "/name", "name", "expected 1 to 64 of a-z A-Z 0-9 . _ -");
        if (!who.covers(name))
            throw refused{403, "scope",
                          "the token '" + who.name + "' is not for the service '" + name + "'"};
        if (out.contains(name)) throw field_problem(place + "/name", "duplicate", "is there twice");
        const auto stored = state.services.find(name);
        const bool known = stored != state.services.end();
        auto document = *definition;
        if (!source.empty()) document["source"] = source;
        try {
            out[name] =
                read_definition(name, std::move(document), known ? &stored->second.value : nullptr);
        } catch (const refused& refusal) {
            auto why = refusal.why();
            for (auto& error : why.errors)
                error.pointer = place + error.pointer;
            why.detail = place + why.detail;
            throw refused{std::move(why)};
        }
    }
    return out;
}

void require_all(const exchange& one) {
    if (!one.who.covers_all())
        throw refused{403, "scope",
                      "the token '" + one.who.name +
                          "' is limited to some services; this needs one for all (services "
                          "[\"*\"])"};
}

/// 200 if all went well, 207 if something failed: its item says why.
http::response outcome_answer(const bulk_outcome& from, const exchange& one) {
    return json_answer(to_json(from, one.dry_run), from.any_failed() ? 207 : 200);
}

/// The host with these fields of a document; throws `refused` with pointers below `place`.
fleet::host read_host_at(json::value document, const fleet::host* stored,
                         const std::string& place) {
    auto read = fleet::read_host(document, stored);
    if (read.errors.empty()) return std::move(read.value);
    problem why;
    why.status = 422;
    why.code = "invalid";
    for (auto& error : read.errors)
        why.errors.push_back({place + error.pointer, error.code, error.text});
    why.detail = why.errors.front().pointer + ": " + why.errors.front().detail;
    throw refused{std::move(why)};
}

std::optional<fleet::host> known_host(const parts& with, const std::string& name) {
    const auto found = with.hosts.all().find(name);
    if (found == with.hosts.all().end()) return std::nullopt;
    return host_registry::host_of(found->second);
}

/// Other labels for a host; null removes one.
fleet::host with_labels(const fleet::host& before, const json::object& labels,
                        const std::string& place) {
    json::object patch;
    patch["labels"] = labels;
    return read_host_at(fleet::merge_patch(fleet::to_json(before), patch), &before, place);
}

/// Whether `source` may change this host: its own, and those that only their agents know.
bool may_own(const fleet::host& one, const std::string& source) {
    return one.source.empty() || one.source == "agent" || one.source == source;
}

/// A host without its owner: its agent still knows it, or nobody does.
std::optional<fleet::host> disowned(const fleet::host& one) {
    if (!one.live) return std::nullopt;
    auto out = one;
    out.source = "agent";
    out.labels.clear();
    return out;
}

}  // namespace

answering sync_services(parts& with, exchange& one) {
    allow_only(one.body, {"services", "source", "prune"});
    const auto source = read_source(one);
    const bool prune = read_prune(one);
    one.target = source;
    const auto state = co_await read_definitions(with);
    const auto& list = list_at(one.body, "services", most_services);
    auto wanted = read_services(list, state, one.who, source);
    std::vector<bulk_item> others;
    for (const auto& [name, stored] : state.services) {
        const bool ours = stored.value.source == source;
        const auto at = wanted.find(name);
        if (at != wanted.end() && !ours) {
            others.push_back({"service", name, "failed",
                              "it belongs to the source '" + stored.value.source + "'"});
            wanted.erase(at);
        } else if (at == wanted.end() && ours && prune && one.who.covers(name)) {
            wanted[name] = std::nullopt;
        }
    }
    auto out = co_await change_services(with, one, std::move(wanted));
    out.items.insert(out.items.begin(), others.begin(), others.end());
    co_return outcome_answer(out, one);
}

answering sync_hosts(parts& with, exchange& one) {
    allow_only(one.body, {"hosts", "source", "prune"});
    const auto source = read_source(one);
    const bool prune = read_prune(one);
    one.target = source;
    const auto& list = list_at(one.body, "hosts", most_hosts);
    wanted_hosts wanted;
    std::vector<bulk_item> others;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto place = "/hosts/" + std::to_string(i);
        const auto name = text_member_of(list[i].if_object(), "host");
        const auto before = known_host(with, name);
        if (before && !may_own(*before, source)) {
            others.push_back(
                {"host", name, "failed", "it belongs to the source '" + before->source + "'"});
            continue;
        }
        json::value document =
            before ? fleet::merge_patch(fleet::to_json(*before), list[i]) : list[i];
        if (document.is_object()) {
            document.get_object()["source"] = source;
            // What a CMDB does not say it takes away: the labels are its own.
            const auto* labels = list[i].get_object().if_contains("labels");
            if (labels) document.get_object()["labels"] = *labels;
        }
        auto read = read_host_at(std::move(document), before ? &*before : nullptr, place);
        if (!wanted.emplace(read.name, read).second)
            throw field_problem(place + "/host", "duplicate", "is there twice");
    }
    if (prune)
        for (const auto& [name, record] : with.hosts.all()) {
            const auto known = host_registry::host_of(record);
            if (known && known->source == source && !wanted.contains(name))
                wanted[name] = disowned(*known);
        }
    auto out = co_await change_hosts(with, one, std::move(wanted));
    out.items.insert(out.items.begin(), others.begin(), others.end());
    co_return outcome_answer(out, one);
}

answering label_hosts(parts& with, exchange& one) {
    allow_only(one.body, {"hosts", "selector", "labels"});
    const auto* labels = one.body.if_contains("labels");
    if (!labels || !labels->is_object())
        throw field_problem("/labels", labels ? "type" : "missing",
                            "expected an object of labels and texts, null removes one");
    fleet::host_selection selection;
    selection.selector = text_member_of(&one.body, "selector");
    for (const auto& name : list_at(one.body, "hosts", most_hosts)) {
        if (!name.is_string()) throw field_problem("/hosts", "type", "expected names of hosts");
        selection.list.emplace_back(name.get_string());
    }
    const auto errors = fleet::check_selection(selection, "/hosts");
    if (!errors.empty())
        throw field_problem(selection.selector.empty() ? "/hosts" : "/selector",
                            errors.front().code, errors.front().text);
    if (selection.empty())
        throw field_problem("", "missing", "say which hosts: `hosts`, a list, or `selector`");
    fleet::host_index index{with.hosts.inventory()};
    const auto selected = index.select(selection);
    if (!selected) throw refused{422, "invalid", selected.error().text};
    wanted_hosts wanted;
    for (const auto position : *selected) {
        const auto& host = index.hosts()[position];
        wanted[host.name] = with_labels(host, labels->get_object(), "");
    }
    bulk_outcome missing;
    for (const auto& name : selection.list)
        if (name.find_first_of("*?[") == std::string::npos && !index.find(name) &&
            index.with_address(name).empty())
            missing.items.push_back({"host", name, "failed", "no host of this name is known"});
    auto out = co_await change_hosts(with, one, std::move(wanted));
    out.items.insert(out.items.begin(), missing.items.begin(), missing.items.end());
    co_return outcome_answer(out, one);
}

answering export_all(parts& with, exchange& one) {
    const auto state = co_await read_definitions(with);
    json::array services;
    for (const auto& [name, stored] : state.services)
        if (stored.broken.empty() && one.who.covers(name))
            services.push_back(fleet::to_json(stored.value));
    json::array hosts;
    for (const auto& host : state.hosts) {
        if (host.labels.empty()) continue;
        json::object each;
        each["host"] = host.name;
        json::object labels;
        for (const auto& [label, value] : host.labels)
            labels[label] = value;
        each["labels"] = std::move(labels);
        hosts.push_back(std::move(each));
    }
    json::object out;
    out["version"] = 1;
    out["services"] = std::move(services);
    out["hosts"] = std::move(hosts);
    auto made = json_answer(out);
    made.fields.push_back({"Content-Disposition", "attachment; filename=\"logagent-export.json\""});
    co_return made;
}

answering import_all(parts& with, exchange& one) {
    allow_only(one.body, {"version", "services", "hosts"});
    const auto* version = one.body.if_contains("version");
    if (version && (!version->is_int64() || version->get_int64() != 1))
        throw field_problem("/version", "range", "this version reads exports of version 1");
    const auto& hosts = list_at(one.body, "hosts", most_hosts);
    if (!hosts.empty()) require_all(one);
    const auto state = co_await read_definitions(with);
    const auto& list = list_at(one.body, "services", most_services);
    auto services = read_services(list, state, one.who, "");
    wanted_hosts wanted;
    bulk_outcome out;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        const auto place = "/hosts/" + std::to_string(i);
        const auto name = text_member_of(hosts[i].if_object(), "host");
        const auto* labels =
            hosts[i].is_object() ? hosts[i].get_object().if_contains("labels") : nullptr;
        if (!labels || !labels->is_object())
            throw field_problem(place + "/labels", "type", "expected an object of labels");
        auto before = known_host(with, name);
        if (!before) {
            before.emplace();
            before->name = name;
            before->source = "ui";
        }
        wanted[name] = with_labels(*before, labels->get_object(), place);
    }
    // Hosts first: services select by their labels.
    if (!wanted.empty()) out = co_await change_hosts(with, one, std::move(wanted));
    auto rest = co_await change_services(with, one, std::move(services));
    out.items.insert(out.items.end(), rest.items.begin(), rest.items.end());
    out.written += rest.written;
    out.plan = std::move(rest.plan);
    co_return outcome_answer(out, one);
}

}  // namespace logagent::web

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "handlers.hpp"
#include "list_query.hpp"
#include "logagent/base/escape.hpp"
#include "page.hpp"
#include "precondition.hpp"
#include "problem.hpp"
#include "stored_routes.hpp"

// Routes of `logagent transfer`: their keys in etcd, and what its processes make of them.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int most_attempts = 5;
constexpr std::size_t most_bytes = 64 << 10;  // of a document
constexpr std::size_t most_name = 64;

constexpr std::string_view route_states[] = {"running", "starting", "stalled",
                                             "failed",  "stopping", "waiting",
                                             "refused", "removing", "idle"};
constexpr std::string_view route_orders[] = {"name", "-name", "lag", "-lag"};

refused no_route(const std::string& name) {
    return {404, "not_found", "there is no route '" + base::visible(name, most_name) + "'"};
}

[[noreturn]] void stale(const stored_route* now, const std::string& name) {
    problem why;
    why.status = 412;
    why.code = "stale";
    if (now) {
        const auto etag = etag_of(now->revision);
        why.detail = "the route '" + name +
                     "' was changed meanwhile, or exists already: `current` is how it is now, its "
                     "ETag is " +
                     etag;
        why.more["current"] = now->document;
        why.fields.push_back({"ETag", etag});
    } else {
        why.detail = "the route '" + name + "' does not exist";
        why.more["current"] = nullptr;
    }
    throw refused{std::move(why)};
}

void require_state(const http::request& asked, const stored_route* now, const std::string& name) {
    const auto expected = read_precondition(asked);
    if (expected.what == precondition::kind::none)
        throw refused{428, "precondition_required",
                      "say which state is changed: If-Match with the ETag of the route, or "
                      "If-None-Match: * to create it"};
    if (expected.what == precondition::kind::broken)
        throw refused{400, "precondition",
                      "If-Match or If-None-Match cannot be read; allowed: If-Match: \"12\", "
                      "If-Match: *, If-None-Match: *, one of them"};
    if (!expected.holds(now ? now->revision : 0)) stale(now, name);
}

std::string sink_of(const json::object& document) {
    const auto* sink = document.if_contains("sink");
    return sink && sink->is_string() ? std::string{sink->get_string()} : std::string{};
}

std::vector<known_sink> sinks_named(const transfer_fleet& processes, const std::string& name) {
    std::vector<known_sink> out;
    for (const auto& [instance, process] : processes)
        for (const auto& sink : process.sinks)
            if (sink.name == name) out.push_back(sink);
    return out;
}

/// "archive (hdfs), search (elasticsearch)".
std::string all_sinks(const transfer_fleet& processes) {
    std::vector<std::string> names;
    for (const auto& [instance, process] : processes)
        for (const auto& sink : process.sinks)
            names.push_back(sink.name + " (" + sink.type + ")");
    std::ranges::sort(names);
    const auto rest = std::ranges::unique(names);
    names.erase(rest.begin(), rest.end());
    std::string out;
    for (const auto& one : names)
        out += (out.empty() ? "" : ", ") + one;
    return out.empty() ? "none" : out;
}

/// Throws `refused` (422) with everything that is wrong with the document.
void check_document(const parts& with, const std::string& name, const json::object& document) {
    const auto text = json::serialize(document);
    problem why;
    why.status = 422;
    why.code = "invalid";
    if (text.size() > most_bytes)
        why.errors.push_back({"", "size", "a route has at most 65536 bytes"});
    const auto sink = sink_of(document);
    const auto known = sinks_named(with.transfers, sink);
    if (with.check_route)
        for (auto& one : with.check_route(name, text, known))
            why.errors.push_back(
                {std::move(one.pointer), std::move(one.code), std::move(one.detail)});
    if (!sink.empty() && known.empty() && !with.transfers.empty())
        why.errors.push_back({"/sink", "unknown_sink",
                              "no process of transfer that runs has a sink '" +
                                  base::visible(sink, 80) +
                                  "'; there are: " + all_sinks(with.transfers)});
    if (why.errors.empty()) return;
    const auto& first = why.errors.front();
    why.detail = (first.pointer.empty() ? "" : first.pointer + ": ") + first.detail;
    throw refused{std::move(why)};
}

/// The document that is to be stored, out of the body; throws `refused` (422).
json::object read_document(const parts& with, const std::string& name, json::object body) {
    const auto* given = body.if_contains("name");
    if (given && !(given->is_string() && given->get_string() == name)) {
        problem why;
        why.status = 422;
        why.code = "invalid";
        why.detail = "/name: the name is in the URL; another one may not stand in the body";
        why.errors.push_back({"/name", "name", "not the name in the URL"});
        throw refused{std::move(why)};
    }
    body.erase("name");
    check_document(with, name, body);
    return body;
}

/// What is no mistake, and still should be known.
json::array warnings_of(const parts& with, const std::string& name, const json::object& document) {
    json::array out;
    const auto warn = [&](std::string_view code, const std::string& text) {
        json::object one;
        one["code"] = code;
        one["text"] = text;
        out.push_back(std::move(one));
    };
    if (with.transfers.empty())
        warn("no_process",
             "no process of transfer shows itself: whether there is a sink '" +
                 base::visible(sink_of(document), 80) +
                 "' is not known, and nobody runs the route until one has it; give transfer.ini "
                 "the etcd_addr of this server");
    for (const auto& [instance, process] : with.transfers) {
        const auto route = process.routes.find(name);
        if (route == process.routes.end() || route->second.in_etcd) continue;
        warn("local_route",
             process.host + " has a route of this name in its own file, which wins there");
    }
    return out;
}

/// Where it will run: processes that have its sink.
json::array runs_on(const parts& with, const json::object& document) {
    const auto sink = sink_of(document);
    json::array out;
    for (const auto& [instance, process] : with.transfers) {
        if (std::ranges::find(process.sinks, sink, &known_sink::name) == process.sinks.end())
            continue;
        json::object one;
        one["instance"] = instance;
        one["host"] = process.host;
        out.push_back(std::move(one));
    }
    return out;
}

bool fits(const list_query& query, const route_picture& of) {
    if (!query.state.empty() && of.state != query.state) return false;
    if (query.text.empty()) return true;
    auto texts = of.topics;
    texts.insert(texts.end(), {of.name, of.sink, of.type, of.group});
    return has_words(query.text, texts);
}

void sort_pictures(std::vector<route_picture>& all, const std::string& order) {
    if (order.ends_with("lag"))
        std::ranges::stable_sort(all, [](const route_picture& a, const route_picture& b) {
            return a.lag.value_or(-1) < b.lag.value_or(-1);
        });
    if (order.starts_with('-')) std::ranges::reverse(all);
}

}  // namespace

answering list_routes(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    const auto query = read_query(one.request, route_states, route_orders);
    const auto stored = co_await read_routes(with);
    auto all = pictures_of(stored, with.transfers);
    std::erase_if(all, [&](const route_picture& each) { return !fits(query, each); });
    sort_pictures(all, query.sort);
    auto part = part_of(page, all.size());
    json::array items;
    for (auto i = part.first; i < part.last; ++i)
        items.push_back(route_row(all[i]));
    json::object out;
    out["total"] = all.size();
    out["items"] = std::move(items);
    out["next_page_token"] = std::move(part.next_page_token);
    co_return json_answer(out);
}

answering show_route(parts& with, exchange& one) {
    const auto name = one.name();
    const auto stored = co_await read_route(with, name);
    const auto picture = picture_of(name, stored ? &*stored : nullptr, with.transfers);
    if (!stored && picture.runners.empty()) throw no_route(name);
    auto made = json_answer(route_document(picture));
    if (stored) made.fields.push_back({"ETag", etag_of(stored->revision)});
    co_return made;
}

answering put_route(parts& with, exchange& one) {
    const auto name = one.name();
    one.target = name;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto before = co_await read_route(with, name);
        require_state(one.request, before ? &*before : nullptr, name);
        const auto document = read_document(with, name, one.body);
        json::object answer;
        answer["name"] = name;
        answer["document"] = document;
        answer["warnings"] = warnings_of(with, name, document);
        answer["runs_on"] = runs_on(with, document);
        if (one.dry_run) {
            answer["dry_run"] = true;
            co_return json_answer(answer);
        }
        const auto key = with.keys.route(name);
        change what;
        what.conditions.push_back(unchanged(key, before ? before->revision : 0));
        what.operations.push_back(put(key, json::serialize(document)));
        what.audit["document"] = document;
        if (before) what.audit["before"] = before->document;
        const auto revision = co_await with.store.commit(one, std::move(what));
        if (!revision) continue;
        answer["revision"] = *revision;
        auto made = json_answer(answer, before ? 200 : 201);
        made.fields.push_back({"ETag", etag_of(*revision)});
        co_return made;
    }
    throw refused{409, "busy", "the route kept changing; nothing was changed, try again"};
}

answering delete_route(parts& with, exchange& one) {
    const auto name = one.name();
    one.target = name;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto before = co_await read_route(with, name);
        if (!before) throw no_route(name);
        require_state(one.request, &*before, name);
        if (one.dry_run) {
            json::object answer;
            answer["name"] = name;
            answer["dry_run"] = true;
            answer["stops_on"] = runs_on(with, before->document);
            co_return json_answer(answer);
        }
        change what;
        what.conditions.push_back(unchanged(with.keys.route(name), before->revision));
        what.operations.push_back(remove(with.keys.route(name)));
        what.audit["before"] = before->document;
        const auto revision = co_await with.store.commit(one, std::move(what));
        if (!revision) continue;
        http::response made;
        made.status = 204;
        co_return made;
    }
    throw refused{409, "busy", "the route kept changing; nothing was changed, try again"};
}

answering list_processes(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    auto part = part_of(page, with.transfers.size());
    json::array items;
    std::size_t at = 0;
    for (const auto& [instance, process] : with.transfers) {
        if (at >= part.first && at < part.last) items.push_back(process_document(process));
        ++at;
    }
    json::object out;
    out["total"] = with.transfers.size();
    out["items"] = std::move(items);
    out["next_page_token"] = std::move(part.next_page_token);
    co_return json_answer(out);
}

}  // namespace logagent::web

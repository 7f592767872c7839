#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "fleet_board.hpp"
#include "handlers.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/json.hpp"
#include "logagent/fleet/service_diff.hpp"
#include "page.hpp"
#include "precondition.hpp"
#include "problem.hpp"
#include "service_change.hpp"
#include "service_document.hpp"
#include "status_view.hpp"

// What a service or a host should be, what it is, and how two revisions differ.

namespace logagent::web {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t most_named = 100;

std::string checked_name(const exchange& one) {
    auto name = one.name();
    if (!valid_service_name(name))
        throw refused{404, "not_found", "there is no service of such a name"};
    return name;
}

std::int64_t read_number(const http::request& asked, std::string_view name, std::int64_t usual) {
    const auto given = asked.query(name);
    if (!given || given->empty()) return usual;
    const auto number = base::parse_unsigned(*given);
    if (!number || *number < 1 || *number > INT64_MAX)
        throw refused{400, "query", std::string{name} + " is not the number of a revision"};
    return static_cast<std::int64_t>(*number);
}

/// The entries of a key's value; null where they are not known.
json::value entries_of(const std::string& value) {
    auto parsed = base::parse_json(value);
    if (!parsed || !parsed->is_array()) return nullptr;
    return *std::move(parsed);
}

/// What is rendered for the host now.
json::object desired_config(const fleet_view& view, const std::string& host) {
    json::object out;
    const auto* rendered = view.wanted.find(host);
    out["revision"] = nullptr;
    out["hash"] = nullptr;
    out["at"] = nullptr;
    out["entries"] = nullptr;
    if (!rendered) return out;
    out["hash"] = view.wanted.applied_hash(*rendered);
    out["entries"] = entries_of(view.wanted.value_of(*rendered));
    return out;
}

/// What its key holds, and what its agent says that it has applied.
asio::awaitable<json::object> applied_config(parts& with, const host_record& record) {
    json::object out;
    const auto* applied = member(record.status.if_contains("config"), "applied");
    for (const auto* name : {"revision", "hash", "at"}) {
        const auto* found = member(applied, name);
        out[name] = found ? *found : json::value(nullptr);
    }
    out["entries"] = nullptr;
    const auto* revision = member(applied, "revision");
    const auto host = host_registry::host_of(record);
    if (!host || host->primary_ip.empty() || !revision || !revision->is_int64()) co_return out;
    etcd::key_range key{fleet::logconfig_key(with.keys.prefix(), host->primary_ip)};
    etcd::range_options then;
    then.revision = revision->get_int64();
    // The key as it was at the revision that the agent names; gone after a compaction.
    const auto found = co_await with.store.etcd().range(std::move(key), then);
    if (found && !found->keys.empty()) out["entries"] = entries_of(found->keys.front().value);
    co_return out;
}

/// The applied entries without those that the agent refuses.
void leave_out_refused(json::object& config, const host_record& record) {
    auto* entries = config["entries"].if_array();
    const auto* errors = record.status.if_contains("errors");
    if (!entries || !errors || !errors->is_array()) return;
    std::vector<std::size_t> refused_entries;
    for (const auto& error : errors->get_array()) {
        if (text_member(&error, "code") == "unknown_field") continue;
        const auto pointer = text_member(&error, "pointer");
        if (!pointer.starts_with('/')) continue;
        const auto index =
            base::parse_unsigned(std::string_view{pointer}.substr(1, pointer.find('/', 1) - 1));
        if (index && *index < entries->size()) refused_entries.push_back(*index);
    }
    std::ranges::sort(refused_entries, std::greater{});
    refused_entries.erase(std::unique(refused_entries.begin(), refused_entries.end()),
                          refused_entries.end());
    for (const auto index : refused_entries)
        entries->erase(entries->begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace

answering show_service_status(parts& with, exchange& one) {
    const auto name = checked_name(one);
    const auto view = co_await with.board->look();
    const auto stored = view->state.services.find(name);
    const bool rolling = view->state.rollouts.contains(name);
    if (stored == view->state.services.end() && !rolling)
        throw refused{404, "not_found", "there is no service '" + name + "'"};
    auto out = status_json(*view, with.hosts, name, most_named);
    out["revision"] = nullptr;
    if (stored != view->state.services.end())
        if (const auto* revision = stored->second.document.if_contains("revision"))
            out["revision"] = *revision;
    co_return json_answer(out);
}

answering diff_service(parts& with, exchange& one) {
    const auto name = checked_name(one);
    const auto last = co_await last_revision(with, name);
    if (last == 0) throw refused{404, "not_found", "there has never been a service '" + name + "'"};
    const auto to = read_number(one.request, "to", last);
    const auto from = read_number(one.request, "from", std::max<std::int64_t>(to - 1, 1));
    const auto before = co_await load_revision(with, name, from);
    const auto after = co_await load_revision(with, name, to);
    const auto read = [&](const json::object& revision) {
        fleet::service none;
        none.name = name;
        const auto* kept = revision.if_contains("document");
        return kept && kept->is_object() ? definition_of(revision) : none;
    };
    auto out = fleet::to_json(fleet::diff(read(before), read(after)));
    out["from"] = from;
    out["to"] = to;
    co_return json_answer(out);
}

answering show_host_config(parts& with, exchange& one) {
    const std::string name{one.request.parameter("host")};
    const auto found = with.hosts.all().find(name);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name is known"};
    const host_record record = found->second;
    const std::string which{one.request.query("view").value_or("desired")};
    json::object out;
    if (which == "desired") {
        const auto view = co_await with.board->look();
        out = desired_config(*view, name);
    } else if (which == "applied" || which == "effective") {
        out = co_await applied_config(with, record);
        if (which == "effective") leave_out_refused(out, record);
    } else {
        throw refused{400, "query", "view is none of desired, applied, effective"};
    }
    out["view"] = which;
    co_return json_answer(out);
}

}  // namespace logagent::web

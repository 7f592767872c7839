#include <boost/json/array.hpp>

#include "handlers.hpp"
#include "logagent/base/json.hpp"
#include "page.hpp"
#include "problem.hpp"
#include "stamp.hpp"

// Endpoints of hosts, and of the audit.

namespace logagent::web {

namespace json = boost::json;

namespace {

json::object shown(const std::string& host, const host_record& record) {
    json::object out;
    out["host"] = host;
    out["online"] = record.online;
    out["since"] = utc_time(record.since_ms);
    out["status"] = record.status;
    return out;
}

}  // namespace

answering list_hosts(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    json::array items;
    json::object out;
    out["next_page_token"] = nullptr;
    const auto& all = with.hosts.all();
    for (auto each = all.upper_bound(page.after); each != all.end(); ++each) {
        if (items.size() == page.limit) {
            // Hosts come and go by themselves: their pages show no fixed moment.
            out["next_page_token"] = page_token(1, std::prev(each)->first);
            break;
        }
        items.push_back(shown(each->first, each->second));
    }
    out["items"] = std::move(items);
    co_return json_answer(out);
}

answering show_host(parts& with, exchange& one) {
    const std::string host{one.request.parameter("host")};
    const auto found = with.hosts.all().find(host);
    if (found == with.hosts.all().end())
        throw refused{404, "not_found", "no host of this name has a status"};
    co_return json_answer(shown(found->first, found->second));
}

answering list_audit(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    etcd::key_range keys{with.keys.audits(), true};
    etcd::range_options options;
    options.revision = page.revision;
    options.limit = page.limit;
    options.descending = true;
    if (!page.after.empty()) keys.before = with.keys.audit(page.after);
    const auto found = co_await with.store.range(keys, options);
    const auto revision = page.revision ? page.revision : found.header.revision;
    json::array items;
    std::string last;
    for (const auto& entry : found.keys) {
        last = behind(entry.key, keys.key);
        auto parsed = base::parse_json(entry.value);
        json::object item;
        if (parsed && parsed->is_object()) item = std::move(parsed->get_object());
        item["id"] = last;
        items.push_back(std::move(item));
    }
    json::object out;
    out["items"] = std::move(items);
    if (found.more)
        out["next_page_token"] = page_token(revision, last);
    else
        out["next_page_token"] = nullptr;
    co_return json_answer(out);
}

}  // namespace logagent::web

#include <algorithm>
#include <boost/json/array.hpp>

#include "handlers.hpp"
#include "host_failure.hpp"
#include "list_query.hpp"
#include "logagent/base/json.hpp"
#include "page.hpp"

// The audit: newest first.

namespace logagent::web {

namespace json = boost::json;

namespace {

// Records that one request looks at while it searches; the next page goes on behind them.
constexpr std::size_t most_searched = 10'000;
constexpr std::size_t records_a_step = 500;

/// What of the audit is asked for; empty = all.
struct audit_query {
    std::string text;
    std::string actor;
    std::string object;

    bool narrows() const { return !text.empty() || !actor.empty() || !object.empty(); }

    bool fits(const json::object& record) const {
        const auto* who = record.if_contains("actor");
        if (!actor.empty() && text_member(who, "name") != actor &&
            text_member(who, "token_id") != actor)
            return false;
        if (!object.empty() && text_member(record, "target") != object) return false;
        if (text.empty()) return true;
        const std::string texts[] = {text_member(record, "action"),  text_member(record, "target"),
                                     text_member(record, "message"), text_member(record, "reason"),
                                     text_member(who, "name"),       text_member(record, "peer")};
        return has_words(text, texts);
    }
};

audit_query read_audit_query(const http::request& asked) {
    audit_query out;
    out.text = read_query(asked, {}, {}).text;
    out.actor = asked.query("actor").value_or("");
    out.object = asked.query("object").value_or("");
    return out;
}

json::object shown(const etcd::key_value& entry, std::string_view id) {
    auto parsed = base::parse_json(entry.value);
    json::object item;
    if (parsed && parsed->is_object()) item = std::move(parsed->get_object());
    item["id"] = id;
    return item;
}

}  // namespace

answering list_audit(parts& with, exchange& one) {
    const auto page = read_page(one.request);
    const auto query = read_audit_query(one.request);
    etcd::key_range keys{with.keys.audits(), true};
    etcd::range_options options;
    options.revision = page.revision;
    options.descending = true;
    std::string last = page.after;
    json::array items;
    bool more = true;
    std::size_t searched = 0;
    while (more && items.size() < page.limit && searched < most_searched) {
        options.limit = query.narrows() ? records_a_step : page.limit;
        if (!last.empty()) keys.before = with.keys.audit(last);
        const auto found = co_await with.store.range(keys, options);
        if (options.revision == 0) options.revision = found.header.revision;
        more = found.more;
        searched += found.keys.size();
        for (const auto& entry : found.keys) {
            if (items.size() == page.limit) {
                more = true;
                break;
            }
            last = behind(entry.key, keys.key);
            auto item = shown(entry, last);
            if (query.fits(item)) items.push_back(std::move(item));
        }
    }
    json::object out;
    out["items"] = std::move(items);
    if (more)
        out["next_page_token"] = page_token(options.revision, last);
    else
        out["next_page_token"] = nullptr;
    co_return json_answer(out);
}

}  // namespace logagent::web

#include "service_change.hpp"

#include <boost/json/serialize.hpp>

#include "endpoint.hpp"
#include "logagent/base/bytes.hpp"
#include "stamp.hpp"

namespace logagent::web {

namespace json = boost::json;

boost::asio::awaitable<std::int64_t> last_revision(parts& with, std::string name) {
    etcd::key_range history{with.keys.revisions(name), true};
    etcd::range_options newest;
    newest.limit = 1;
    newest.keys_only = true;
    newest.newest_first = true;
    const auto found = co_await with.store.range(history, newest);
    if (found.keys.empty()) co_return 0;
    const auto number = base::parse_unsigned(behind(found.keys.front().key, history.key));
    co_return number ? static_cast<std::int64_t>(*number) : 0;
}

void replace(fleet_state& in, const service_change& edit) {
    if (!edit.next) {
        in.services.erase(edit.name);
        return;
    }
    auto& stored = in.services[edit.name];
    stored.value = *edit.next;
    stored.broken.clear();
}

json::object stored_form(const exchange& one, const service_change& edit) {
    if (!edit.next) return {};
    auto out = fleet::to_json(*edit.next);
    out["revision"] = edit.number;
    out["updated_at"] = utc_time(one.now_ms);
    out["updated_by"] = one.who.name;
    return out;
}

void add_change(parts& with, const exchange& one, const service_change& edit, change& to) {
    const auto key = with.keys.service(edit.name);
    const auto history = with.keys.revision(edit.name, edit.number);
    to.conditions.push_back(unchanged(key, edit.base));
    to.conditions.push_back(unchanged(history, 0));
    if (edit.next)
        to.operations.push_back(put(key, json::serialize(stored_form(one, edit))));
    else
        to.operations.push_back(remove(key));
    json::object kept;
    kept["revision"] = edit.number;
    kept["service"] = edit.name;
    kept["at"] = utc_time(one.now_ms);
    kept["by"] = one.who.name;
    kept["message"] = one.message;
    kept["action"] = one.asked->change;
    if (edit.next)
        kept["document"] = fleet::to_json(*edit.next);
    else
        kept["document"] = nullptr;
    to.operations.push_back(put(history, json::serialize(kept)));
}

}  // namespace logagent::web

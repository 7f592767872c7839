#include <algorithm>
#include <boost/json/array.hpp>

#include "handlers.hpp"
#include "logagent/fleet/host_index.hpp"
#include "logagent/fleet/service.hpp"
#include "problem.hpp"

// Which hosts a selection means, while somebody types it.

namespace logagent::web {

namespace json = boost::json;

namespace {

constexpr std::size_t most_named = 20;

/// The body as the `hosts` of a service; throws `refused` (422) with pointers as there.
fleet::host_selection read_selection(json::object body) {
    json::object document;
    document["name"] = "any";
    document["hosts"] = std::move(body);
    const auto read = fleet::read_service(std::move(document));
    problem why;
    why.status = 422;
    why.code = "invalid";
    for (const auto& error : read.errors)
        if (error.pointer.starts_with("/hosts"))
            why.errors.push_back({error.pointer, error.code, error.text});
    if (!why.errors.empty()) {
        why.detail = why.errors.front().pointer + ": " + why.errors.front().detail;
        throw refused{std::move(why)};
    }
    return read.value.hosts;
}

}  // namespace

answering match_hosts(parts& with, exchange& one) {
    const auto selection = read_selection(std::move(one.body));
    fleet::host_index index{with.hosts.inventory()};
    const auto found = index.select(selection);
    if (!found) throw refused{422, "invalid", found.error().text};
    json::array items;
    for (const auto at : *found) {
        if (items.size() == most_named) break;
        items.emplace_back(index.hosts()[at].name);
    }
    json::object out;
    out["total"] = found->size();
    out["items"] = std::move(items);
    co_return json_answer(out);
}

}  // namespace logagent::web

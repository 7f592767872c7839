#include "stored_routes.hpp"

#include "logagent/base/json.hpp"

namespace logagent::web {

namespace asio = boost::asio;

namespace {

stored_route read_stored(const etcd::key_value& entry) {
    stored_route out;
    out.revision = entry.mod_revision;
    auto parsed = base::parse_json(entry.value);
    if (parsed && parsed->is_object())
        out.document = std::move(parsed->get_object());
    else
        out.broken = "the key in etcd holds no JSON object";
    return out;
}

}  // namespace

asio::awaitable<stored_routes> read_routes(parts& with) {
    etcd::key_range keys{with.keys.routes(), true};
    const auto prefix = keys.key;
    const auto found = co_await with.store.range(std::move(keys));
    stored_routes out;
    for (const auto& entry : found.keys)
        out[std::string{behind(entry.key, prefix)}] = read_stored(entry);
    co_return out;
}

asio::awaitable<std::optional<stored_route>> read_route(parts& with, std::string name) {
    etcd::key_range keys;
    keys.key = with.keys.route(name);
    const auto found = co_await with.store.range(std::move(keys));
    if (found.keys.empty()) co_return std::nullopt;
    co_return read_stored(found.keys.front());
}

}  // namespace logagent::web

#include "fleet_board.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "problem.hpp"

namespace logagent::web {

namespace asio = boost::asio;

namespace {

constexpr std::size_t services_a_slice = 20;

struct newest {
    std::int64_t mod_revision = 0;
    std::int64_t count = 0;
};

asio::awaitable<newest> newest_below(parts& with, std::string prefix) {
    const etcd::key_range keys{std::move(prefix), true};
    etcd::range_options options;
    options.limit = 1;
    options.keys_only = true;
    options.newest_first = true;
    const auto found = co_await with.store.range(keys, options);
    newest out;
    out.count = found.count;
    if (!found.keys.empty()) out.mod_revision = found.keys.front().mod_revision;
    co_return out;
}

/// Names of the hosts of every service; lets other work run in between.
asio::awaitable<void> select_hosts(fleet_view& view) {
    fleet::host_index index{view.state.hosts};
    std::size_t done = 0;
    const auto add = [&](const std::string& name, const fleet::service& from) {
        auto& list = view.hosts[name];
        const auto selected = index.select(from.hosts);
        if (!selected) return;
        for (const auto position : *selected)
            list.push_back(index.hosts()[position].name);
    };
    for (const auto& [name, stored] : view.state.services) {
        add(name, stored.value);
        if (++done % services_a_slice == 0) co_await asio::post(asio::use_awaitable);
    }
    for (const auto& [name, rolling] : view.state.rollouts) {
        add(name, rolling.value.next);
        auto& list = view.hosts[name];
        std::ranges::sort(list);
        list.erase(std::unique(list.begin(), list.end()), list.end());
    }
}

}  // namespace

std::span<const std::string> fleet_view::hosts_of_service(const std::string& name) const {
    const auto found = hosts.find(name);
    if (found == hosts.end()) return {};
    return found->second;
}

asio::awaitable<fleet_board::mark> fleet_board::probe() {
    mark out;
    out.hosts = with_.hosts.version();
    std::string prefix = with_.keys.services();
    const auto services = co_await newest_below(with_, std::move(prefix));
    prefix = with_.keys.rollouts();
    const auto rollouts = co_await newest_below(with_, std::move(prefix));
    out.services = services.mod_revision;
    out.service_count = services.count;
    out.rollouts = rollouts.mod_revision;
    out.rollout_count = rollouts.count;
    co_return out;
}

asio::awaitable<std::shared_ptr<const fleet_view>> fleet_board::look() {
    const auto now = co_await probe();
    if (view_ && now == at_) co_return view_;
    auto made = std::make_shared<fleet_view>();
    made->state = co_await read_definitions(with_);
    std::vector<fleet::service_state> services;
    try {
        services = services_of(made->state);
    } catch (const refused& why) {
        made->broken = why.what();
    }
    if (made->broken.empty()) {
        fleet::host_index hosts{made->state.hosts};
        made->wanted = co_await render_in_turns(services, hosts);
    }
    co_await select_hosts(*made);
    view_ = std::move(made);
    at_ = now;
    co_return view_;
}

service_host look_at(const fleet_view& view, const host_registry& hosts, const std::string& host,
                     const std::string& service) {
    service_host out;
    const auto found = hosts.all().find(host);
    if (found == hosts.all().end() || !found->second.online) {
        out.state = service_host_state::offline;
        return out;
    }
    const auto& record = found->second;
    const auto* rendered = view.wanted.find(host);
    out.failure = failure_for(record, service, rendered, view.wanted);
    if (out.failure)
        out.state = service_host_state::failed;
    else if (rendered && record.reported &&
             record.reported->applied_hash == view.wanted.applied_hash(*rendered))
        out.state = service_host_state::applied;
    return out;
}

}  // namespace logagent::web

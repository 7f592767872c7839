#include <sys/stat.h>

#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

#include "engine.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/durable_write.hpp"
#include "logagent/os/machine_id.hpp"
#include "state_files.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;

transfer_status engine::status() const {
    transfer_status out;
    out.started = started_;
    out.dead_letters_waiting = letters_->waiting();
    for (const auto& one : options_.refused)
        for (const auto& problem : one.problems)
            out.refused.push_back(one.name + " is not used: " + problem.line());
    if (etcd_routes_) {
        out.etcd_text = etcd_routes_->trouble();
        for (auto& one : etcd_routes_->complaints())
            out.refused.push_back(std::move(one));
    }
    for (const auto& [name, kept] : routes_) {
        if (kept.live) {
            out.routes.push_back(kept.live->figures());
            continue;
        }
        route_figures dead;
        dead.name = name;
        dead.sink = kept.wanted.sink;
        dead.group = options_.settings.group_prefix + "." + name;
        dead.state = "failed";
        dead.text = kept.failure;
        out.routes.push_back(std::move(dead));
    }
    return out;
}

card_facts engine::facts_for_card() const {
    card_facts out;
    out.host = host_;
    out.instance = instance_;
    out.now = status();
    out.sinks = outlines_of(options_.settings);
    out.refused = etcd_routes_->refused();
    for (const auto& [name, kept] : routes_) {
        route_origin origin;
        origin.topics = kept.wanted.topics;
        if (!kept.wanted.pattern.empty()) origin.topics = {"~" + kept.wanted.pattern};
        origin.in_etcd = etcd_routes_->running().contains(name);
        origin.revision = etcd_routes_->revision_of(name);
        out.origins[name] = std::move(origin);
    }
    return out;
}

void engine::show_in_etcd() {
    host_ = os::host_name();
    char tail[12];
    std::snprintf(tail, sizeof tail, "~%08x", std::random_device{}());
    instance_ = host_ + tail;
    etcd::presence_options chosen;
    chosen.key = options_.settings.prefix + "_transfer/status/" + instance_;
    chosen.ttl = std::chrono::seconds{15};
    chosen.seed = std::random_device{}();
    const auto told = [this] {
        const auto& why = presence_->text();
        if (!why.empty())
            LOGAGENT_LOG(warn, "transfer.shown",
                         "logagent web does not see this process: " << why << "; the routes go on");
    };
    presence_ = std::make_unique<etcd::presence>(executor_, *etcd_, std::move(chosen), told);
    spawn(presence_->run());
    spawn(keep_showing());
}

asio::awaitable<void> engine::keep_showing() {
    status_card card;
    for (;;) {
        card_timer_.expires_after(std::chrono::seconds{1});
        co_await card_timer_.async_wait(asio::use_awaitable);
        const auto facts = facts_for_card();
        auto text = card.look(facts, clock::now());
        if (text) presence_->show(*std::move(text));
    }
}

void engine::save_routes() {
    if (state_.empty()) return;
    const auto path = saved_routes_path(state_);
    if (const int code = os::durable_write(path, routes_text(etcd_routes_->running())))
        LOGAGENT_LOG(warn, "transfer.save",
                     path << ": " << base::describe_errno(code)
                          << "; a start without etcd runs older routes");
}

std::string saved_routes_path(const std::string& state) {
    return state + "/routes.json";
}

std::map<std::string, std::string> saved_routes(const std::string& state) {
    if (state.empty()) return {};
    std::ifstream in{saved_routes_path(state), std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    return read_routes_text(text);
}

std::string route_spool(const std::string& state, const std::string& route) {
    std::string path = state + "/spool";
    for (const auto& part : {std::string{}, "/" + route}) {
        path += part;
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
            throw base::problem_error{
                {"spool", "directory " + path + ": " + base::describe_errno(errno)}};
    }
    return path;
}

}  // namespace logagent::transfer

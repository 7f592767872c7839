#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "engine.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/durable_write.hpp"
#include "state_files.hpp"

namespace logagent::transfer {

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
